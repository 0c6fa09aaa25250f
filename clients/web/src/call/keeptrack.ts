// Keeps a device working that the system takes away for a while. Pure but for time: keep.ts does the rest.

/** What is looked at of a track. */
export interface Kept {
  readonly muted: boolean;
  addEventListener: (type: 'ended' | 'mute' | 'unmute', listener: () => void) => void;
  removeEventListener: (type: 'ended' | 'mute' | 'unmute', listener: () => void) => void;
}

/** What can be done for a track. */
export interface Care {
  /** It ended: the device is gone, or was taken away for good. */
  ended: () => void;
  /** The system gives silence, or black, instead: opens the device anew. Answers whether that gave more. */
  reopen: () => Promise<boolean>;
}

/** Between the tries to open a device that the system mutes, ms. Then it is up to the person. */
export const waits = [2000, 5000, 15_000];

/** Looks after a track until the function it gives is called. */
export function keepTrack(track: Kept, care: Care): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let over = false;

  const later = (n: number) => {
    const wait = waits[n];
    clearTimeout(timer);
    if (wait === undefined || over) return;
    timer = setTimeout(() => {
      void care.reopen().then((better) => {
        if (!better && track.muted) later(n + 1);
      });
    }, wait);
  };
  const muted = () => later(0);
  const unmuted = () => clearTimeout(timer);

  track.addEventListener('ended', care.ended);
  track.addEventListener('mute', muted);
  track.addEventListener('unmute', unmuted);
  return () => {
    over = true;
    clearTimeout(timer);
    track.removeEventListener('ended', care.ended);
    track.removeEventListener('mute', muted);
    track.removeEventListener('unmute', unmuted);
  };
}
