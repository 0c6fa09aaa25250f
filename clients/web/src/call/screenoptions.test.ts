import { expect, it } from 'vitest';
import { screenOptions } from './screenoptions';

it('a screen is shared with the system’s sound only where that leaves out the call itself', () => {
  expect(screenOptions({ width: true })).toMatchObject({ systemAudio: 'exclude', audio: { echoCancellation: false } });
  expect(screenOptions({ restrictOwnAudio: true })).toMatchObject({ systemAudio: 'include', audio: { restrictOwnAudio: true } });
});
