// Camera, microphone and screen, and what it means when there is none.
import type { TextKey } from '../text';
import { choice } from './devices';
import { screenOptions } from './screenoptions';

/** What was captured; `problems` are texts that say what to do about the rest. */
export interface Captured {
  microphone?: MediaStreamTrack;
  camera?: MediaStreamTrack;
  problems: TextKey[];
}

type Problem = 'missing' | 'refused' | 'busy';

// The chosen device is wished for only: where it is not there, the system's own is better than none.
const wished = (id: string): MediaTrackConstraints => (id ? { deviceId: { ideal: id } } : {});
const cameraWish = (): MediaTrackConstraints => ({ ...wished(choice.value.camera), width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } });
const microphoneWish = (): MediaTrackConstraints => ({ ...wished(choice.value.microphone), echoCancellation: true, noiseSuppression: choice.value.noise, autoGainControl: true });

const texts: Record<'camera' | 'microphone', Record<Problem, TextKey>> = {
  camera: { missing: 'dev_no_camera', refused: 'dev_camera_refused', busy: 'dev_camera_busy' },
  microphone: { missing: 'dev_no_microphone', refused: 'dev_microphone_refused', busy: 'dev_microphone_busy' },
};

/** Captures what is wanted, or as much of it as there is. It never rejects: a missing device does not keep anybody out of a call. */
export async function capture(want: { microphone: boolean; camera: boolean }): Promise<Captured> {
  if (!want.microphone && !want.camera) return { problems: [] };
  // Browsers keep the devices from pages that came unencrypted from elsewhere.
  if (!devices()) return { problems: ['dev_insecure'] };
  if (want.microphone && want.camera) {
    const both = await take({ audio: microphoneWish(), video: cameraWish() });
    if (both instanceof MediaStream) return { microphone: both.getAudioTracks()[0], camera: both.getVideoTracks()[0], problems: [] };
  }
  const audio = want.microphone ? await take({ audio: microphoneWish() }) : undefined;
  const video = want.camera ? await take({ video: cameraWish() }) : undefined;
  return {
    microphone: audio instanceof MediaStream ? audio.getAudioTracks()[0] : undefined,
    camera: video instanceof MediaStream ? video.getVideoTracks()[0] : undefined,
    problems: problemsOf(typeof audio === 'string' ? audio : undefined, typeof video === 'string' ? video : undefined),
  };
}

/** A shared screen, and what it plays where the person chose that and the browser gives it. */
export interface CapturedScreen {
  picture: MediaStreamTrack;
  sound: MediaStreamTrack | undefined;
}

/** Asks for a screen or window. Answers undefined if the person changed their mind, a text if it cannot be. */
export async function captureScreen(): Promise<CapturedScreen | TextKey | undefined> {
  const media = devices();
  if (!media) return 'dev_insecure';
  if (!('getDisplayMedia' in media)) return 'dev_no_screen';
  try {
    const stream = await media.getDisplayMedia(screenOptions(media.getSupportedConstraints()));
    const [picture] = stream.getVideoTracks();
    if (!picture) return undefined;
    picture.contentHint = 'detail';
    const [sound] = stream.getAudioTracks();
    if (sound) sound.contentHint = 'music';
    return { picture, sound };
  } catch (error) {
    return problemOf(error) === 'refused' ? undefined : 'dev_no_screen';
  }
}

// The types say that there always is a mediaDevices; insecure pages have none.
function devices(): MediaDevices | undefined {
  return navigator.mediaDevices;
}

async function take(constraints: MediaStreamConstraints): Promise<MediaStream | Problem> {
  try {
    return await navigator.mediaDevices.getUserMedia(constraints);
  } catch (error) {
    return problemOf(error);
  }
}

function problemOf(error: unknown): Problem {
  const name = error instanceof Error ? error.name : '';
  if (name === 'NotAllowedError' || name === 'SecurityError') return 'refused';
  if (name === 'NotReadableError' || name === 'AbortError') return 'busy';
  return 'missing';
}

function problemsOf(microphone: Problem | undefined, camera: Problem | undefined): TextKey[] {
  if (microphone === 'missing' && camera === 'missing') return ['dev_nothing'];
  if (microphone === 'refused' && camera === 'refused') return ['dev_refused'];
  return [...(microphone ? [texts.microphone[microphone]] : []), ...(camera ? [texts.camera[camera]] : [])];
}
