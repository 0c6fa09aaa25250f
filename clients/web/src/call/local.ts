// One's own devices during a call: what is captured and what is switched off. It outlives a PeerConnection.
import { signal } from '@preact/signals';
import { notify, mended } from '../ui/notice';
import type { TextKey } from '../text';
import { capture, captureScreen } from './capture';
import { refreshDevices } from './devices';

/** Whether the microphone is open. */
export const microphoneOn = signal(false);
/** The camera's track while it is on. */
export const camera = signal<MediaStreamTrack | undefined>(undefined);
/** The screen's track while it is shared. */
export const screen = signal<MediaStreamTrack | undefined>(undefined);
/** What the shared screen plays, if that is shared, too. */
export const screenSound = signal<MediaStreamTrack | undefined>(undefined);
/** The microphone's track; it stays while muted, silent. */
export const microphone = signal<MediaStreamTrack | undefined>(undefined);

/** All texts that tell of a device one could not have. */
const deviceTexts: TextKey[] = [
  'dev_insecure', 'dev_no_camera', 'dev_no_microphone', 'dev_nothing', 'dev_camera_refused', 'dev_microphone_refused',
  'dev_refused', 'dev_camera_busy', 'dev_microphone_busy', 'dev_no_screen',
];

/** One's own devices that are kept open. */
export type OwnSource = 'microphone' | 'camera';

/** Counts captures, so that one that comes after stopAll is let go at once. */
let era = 0;

/** Changes with stopAll: what was asked for before is not wanted any more. */
export const deviceEra = () => era;

/** Opens what is wanted and not open yet. Answers what could not be had, as texts that say what to do. */
export async function tryDevices(want: { microphone: boolean; camera: boolean }): Promise<readonly TextKey[]> {
  const mine = era;
  const got = await capture({ microphone: want.microphone && !microphone.value, camera: want.camera && !camera.value });
  if (mine !== era) {
    got.microphone?.stop();
    got.camera?.stop();
    return [];
  }
  if (got.microphone) {
    microphoneOn.value = true;
    replaceDevice('microphone', got.microphone);
  }
  if (got.camera) replaceDevice('camera', got.camera);
  if (got.problems.length === 0) mended(...deviceTexts);
  void refreshDevices();
  return got.problems;
}

/** Opens what is wanted and not open yet; tells what could not be had, and what to do. */
export async function openDevices(want: { microphone: boolean; camera: boolean }): Promise<void> {
  for (const problem of await tryDevices(want)) notify(problem);
}

/** Puts another track in the place of the one that is used, if any. */
export function replaceDevice(source: OwnSource, track: MediaStreamTrack): void {
  const place = source === 'camera' ? camera : microphone;
  place.value?.stop();
  place.value = track;
  if (source === 'microphone') track.enabled = microphoneOn.value;
}

/** Opens the screen; `lost` is called when the browser's own button ends it. Answers whether it is shared now. */
export async function openScreen(lost: () => void): Promise<boolean> {
  const mine = era;
  const got = await captureScreen();
  if (typeof got === 'string') notify(got);
  if (typeof got !== 'object') return false;
  if (mine !== era) {
    got.picture.stop();
    got.sound?.stop();
    return false;
  }
  got.picture.onended = lost;
  screen.value = got.picture;
  screenSound.value = got.sound;
  return true;
}

/** Lets the camera go: its light goes out. */
export function closeCamera(): void {
  camera.value?.stop();
  camera.value = undefined;
}

/** Lets the screen go. */
export function closeScreen(): void {
  screen.value?.stop();
  screenSound.value?.stop();
  screen.value = undefined;
  screenSound.value = undefined;
}

/** Lets the microphone go. */
export function closeMicrophone(): void {
  microphone.value?.stop();
  microphone.value = undefined;
  microphoneOn.value = false;
}

/** Lets everything go, at the end of a call. */
export function stopAll(): void {
  era++;
  closeCamera();
  closeScreen();
  closeMicrophone();
  mended(...deviceTexts);
}
