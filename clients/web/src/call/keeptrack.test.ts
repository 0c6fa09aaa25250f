import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { keepTrack, waits } from './keeptrack';

class Track extends EventTarget {
  muted = false;
  say(type: 'ended' | 'mute' | 'unmute') {
    if (type !== 'ended') this.muted = type === 'mute';
    this.dispatchEvent(new Event(type));
  }
}

const total = waits.reduce((sum, wait) => sum + wait, 0);

describe('a kept track', () => {
  let track: Track;
  const ended = vi.fn();
  const reopen = vi.fn<() => Promise<boolean>>();
  let stop: () => void;

  beforeEach(() => {
    vi.useFakeTimers();
    track = new Track();
    ended.mockReset();
    reopen.mockReset().mockResolvedValue(false);
    stop = keepTrack(track, { ended, reopen });
  });
  afterEach(() => {
    stop();
    vi.useRealTimers();
  });

  it('that ends is told at once', () => {
    track.say('ended');
    expect(ended).toHaveBeenCalledOnce();
  });
  it('that is muted for a moment is left alone', async () => {
    track.say('mute');
    await vi.advanceTimersByTimeAsync(1000);
    track.say('unmute');
    await vi.advanceTimersByTimeAsync(total * 2);
    expect(reopen).not.toHaveBeenCalled();
  });
  it('that stays muted is opened anew a few times, then no more', async () => {
    track.say('mute');
    await vi.advanceTimersByTimeAsync(total * 3);
    expect(reopen).toHaveBeenCalledTimes(waits.length);
  });
  it('that was replaced is not opened again', async () => {
    reopen.mockResolvedValue(true);
    track.say('mute');
    await vi.advanceTimersByTimeAsync(total * 3);
    expect(reopen).toHaveBeenCalledOnce();
  });
  it('is forgotten when nobody wants it any more', async () => {
    track.say('mute');
    stop();
    track.say('ended');
    await vi.advanceTimersByTimeAsync(total * 3);
    expect([reopen.mock.calls.length, ended.mock.calls.length]).toEqual([0, 0]);
  });
});
