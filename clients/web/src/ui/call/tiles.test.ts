import { describe, expect, it } from 'vitest';
import type { Participants } from '../../call/state';
import { columnsFor, tilesOf } from './tiles';

const others: Participants = new Map([
  ['1', { participant: '1', user_account: 'a', tracks: { microphone: { source: 'microphone', mid: '0', muted: false }, camera: { source: 'camera', mid: '1', muted: true } } }],
  ['2', { participant: '2', user_account: 'b', tracks: { camera: { source: 'camera', mid: '2', muted: false }, screen: { source: 'screen', mid: '3', muted: false } } }],
]);

describe('tiles', () => {
  it('are a screen first, then each person, with a picture only if there is one', () => {
    expect(tilesOf(others).map((t) => [t.user_account, t.source, t.mid, t.muted])).toEqual([
      ['b', 'screen', '3', true],
      ['a', 'none', '', false],
      ['b', 'camera', '2', true],
    ]);
  });
  it('are without cameras where one wants sound only', () => {
    expect(tilesOf(others, true).map((t) => [t.user_account, t.source])).toEqual([['b', 'screen'], ['a', 'none'], ['b', 'none']]);
  });
  it.each([
    [1, 800, 600, 1],
    [2, 390, 700, 1],
    [2, 620, 660, 1],
    [2, 1200, 500, 2],
    [4, 1280, 720, 2],
    [6, 1280, 720, 3],
    [6, 390, 700, 2],
  ])('%i in %i × %i stand in %i columns', (count, width, height, columns) => expect(columnsFor(count, width, height)).toBe(columns));
});
