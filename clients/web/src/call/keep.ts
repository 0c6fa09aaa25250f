// Keeps one's microphone and camera working: unplugged, taken by another program, muted by the system, or chosen anew.
import { effect } from '@preact/signals';
import { notify } from '../ui/notice';
import { publishDevices } from './active';
import { capture } from './capture';
import { choice, refreshDevices } from './devices';
import { keepTrack } from './keeptrack';
import { camera, closeCamera, closeMicrophone, deviceEra, microphone, replaceDevice, type OwnSource } from './local';

const trackOf = (source: OwnSource) => (source === 'camera' ? camera : microphone).value;
const close = (source: OwnSource) => (source === 'camera' ? closeCamera() : closeMicrophone());

/** Opens a device anew and puts it in the place of the one that was used. With `better`, only if the system does not mute it. Answers whether it did. */
async function open(source: OwnSource, better: boolean): Promise<boolean> {
  const [era, before] = [deviceEra(), trackOf(source)];
  const { [source]: track, problems } = await capture({ microphone: source === 'microphone', camera: source === 'camera' });
  if (!track) {
    if (!better && trackOf(source) === before) problems.forEach((problem) => notify(problem));
    return false;
  }
  if (era !== deviceEra() || trackOf(source) !== before || (better && track.muted)) {
    track.stop();
    return false;
  }
  replaceDevice(source, track);
  publishDevices();
  return true;
}

/** The device is gone: what the system has instead is used, and named. */
async function lost(source: OwnSource) {
  const before = trackOf(source);
  void refreshDevices();
  if (await open(source, false)) {
    const now = trackOf(source);
    if (before?.label !== now?.label) notify(source === 'camera' ? 'dev_other_camera' : 'dev_other_microphone', { name: now?.label ?? '' }, 'status');
  } else if (trackOf(source) === before) {
    close(source);
    publishDevices();
  }
}

/** Opens the device again because somebody asked for it, or chose another one. */
export async function reopen(source: OwnSource): Promise<void> {
  const before = trackOf(source);
  if (!before) return;
  // Some systems give a device to one at a time.
  before.stop();
  if ((await open(source, false)) || trackOf(source) !== before) return;
  close(source);
  publishDevices();
}

for (const source of ['microphone', 'camera'] as const) {
  effect(() => {
    const track = trackOf(source);
    if (!track) return undefined;
    return keepTrack(track, { ended: () => void lost(source), reopen: () => open(source, true) });
  });
}

// Systems take devices from a page in the background, and some do not give them back by themselves.
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState !== 'visible') return;
  for (const source of ['microphone', 'camera'] as const) {
    const track = trackOf(source);
    if (track?.readyState === 'ended') void lost(source);
    else if (track?.muted) void open(source, true);
  }
});

let chosen = choice.peek();
choice.subscribe((now) => {
  const before = chosen;
  chosen = now;
  if (before.microphone !== now.microphone || before.noise !== now.noise) void reopen('microphone');
  if (before.camera !== now.camera) void reopen('camera');
});
