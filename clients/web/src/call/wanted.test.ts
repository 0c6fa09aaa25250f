import { describe, expect, it } from 'vitest';
import type { Participants } from './state';
import { larger, wantedOf, type PictureKey } from './wanted';

const others: Participants = new Map(
  ['1', '2', '3'].map((participant) => [
    participant,
    {
      participant,
      user_account: `u${participant}`,
      tracks: { camera: { source: 'camera', mid: participant, muted: false }, ...(participant === '3' && { screen: { source: 'screen', mid: '', muted: false } }) },
    },
  ]),
);

const told = (measured: [PictureKey, string][], placed: PictureKey[]) => [...wantedOf(others, new Map(measured), new Set(placed))].map((line) => line.join(' '));

describe('what is wanted', () => {
  it('is as large as it is shown, and nothing of what is not', () => {
    expect(told([['1 camera', '640x384']], ['1 camera'])).toEqual(['1 camera 640x384', '2 camera none', '3 camera none']);
  });
  it('is not said yet where a place was given and nothing measured', () => {
    expect(told([], ['1 camera', '2 camera', '3 camera'])).toEqual([]);
  });
  it('is not refused before it has a section', () => {
    expect(told([], []).filter((line) => line.includes('screen'))).toEqual([]);
  });
});

it('of two sizes the larger counts, and none is the smallest', () => {
  expect(larger('none', '32x32')).toBe('32x32');
  expect(larger('640x384', '320x800')).toBe('320x800');
});
