/** What the types do not know yet (W3C screen-capture): to share the sound of the whole system, without that of this page. */
interface ScreenOptions extends DisplayMediaStreamOptions {
  systemAudio: 'include' | 'exclude';
}

/** How a screen is asked for. The others' voices are not to come back to them: the system's sound only where the browser can leave this page's out. */
export function screenOptions(supported: object): ScreenOptions {
  const ownLeftOut = 'restrictOwnAudio' in supported;
  const audio: MediaTrackConstraints = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  return {
    video: { frameRate: { ideal: 15, max: 30 } },
    audio: ownLeftOut ? { ...audio, restrictOwnAudio: true } as MediaTrackConstraints : audio,
    systemAudio: ownLeftOut ? 'include' : 'exclude',
  };
}
