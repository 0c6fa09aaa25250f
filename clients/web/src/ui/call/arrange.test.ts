import { describe, expect, it } from 'vitest';
import { roomBeside, roomIn, sceneOf, type Wish } from './arrange';
import type { TileOf } from './tiles';

const person = (participant: string): TileOf => ({ participant, user_account: `u${participant}`, source: 'camera', mid: participant, muted: false });
const people = (count: number) => Array.from({ length: count }, (_, n) => person(String(n + 1)));
const screen: TileOf = { ...person('2'), source: 'screen', mid: 's' };

const grid: Wish = { view: 'grid', pinned: '', speaker: '', page: 0 };
const room = { grid: 16, beside: 4 };
const ids = (tiles: readonly TileOf[]) => tiles.map(({ participant }) => participant).join(' ');

describe('the scene', () => {
  it('is a grid in which nobody is large', () => {
    const scene = sceneOf(people(5), grid, room);
    expect([scene.large, ids(scene.small), scene.pages, scene.elsewhere]).toEqual([undefined, '1 2 3 4 5', 1, 0]);
  });
  it('never shows more than there is room for', () => {
    const scene = sceneOf(people(49), grid, room);
    expect([scene.small.length, scene.pages, scene.elsewhere]).toEqual([16, 4, 33]);
    expect(ids(sceneOf(people(49), { ...grid, page: 3 }, room).small)).toBe('49');
  });
  it('shows the last page when the chosen one is gone', () => {
    expect(sceneOf(people(17), { ...grid, page: 9 }, room)).toMatchObject({ page: 1, pages: 2, elsewhere: 16 });
  });
  it('gives who speaks from further back the last place, and moves nobody else', () => {
    expect(ids(sceneOf(people(20), { ...grid, speaker: '19' }, room).small)).toBe('1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 19');
    expect(ids(sceneOf(people(20), { ...grid, speaker: '19', page: 1 }, room).small)).toBe('17 18 16 20');
    expect(ids(sceneOf(people(20), { ...grid, speaker: '3' }, room).small)).toMatch(/^1 2 3 .* 16$/);
  });
  it('has whoever speaks large in the view for that, the first one before anybody did', () => {
    expect(sceneOf(people(3), { ...grid, view: 'speaker' }, room).large?.participant).toBe('1');
    const scene = sceneOf(people(3), { ...grid, view: 'speaker', speaker: '3' }, room);
    expect([scene.large?.participant, ids(scene.small)]).toEqual(['3', '1 2']);
  });
  it('has a screen large, and its owner beside it', () => {
    const scene = sceneOf([screen, ...people(3)], { ...grid, view: 'speaker', speaker: '3' }, room);
    expect([scene.large, ids(scene.small)]).toEqual([screen, '1 2 3']);
  });
  it('has what is pinned large, above all else', () => {
    const scene = sceneOf([screen, ...people(3)], { ...grid, pinned: '1 person', speaker: '3' }, room);
    expect([scene.large?.participant, scene.small.map(({ source }) => source).join(' ')]).toEqual(['1', 'screen camera camera']);
    expect(sceneOf([screen, ...people(3)], { ...grid, pinned: '2 screen' }, room).large).toBe(screen);
  });
  it('forgets who was pinned and left', () => {
    expect(sceneOf(people(3), { ...grid, pinned: '9 person' }, room).large).toBeUndefined();
  });
  it('is empty when nobody is there', () => {
    expect(sceneOf([], { ...grid, view: 'speaker' }, room)).toEqual({ large: undefined, small: [], page: 0, pages: 1, elsewhere: 0 });
  });
});

it.each([
  [1200, 700, 16],
  [390, 640, 9],
  [300, 120, 4],
])('a box of %i × %i has room for %i', (width, height, count) => expect(roomIn(width, height)).toBe(count));

it.each([[390, 3], [100, 2], [1600, 6]])('a strip of %i px has room for %i', (length, count) => expect(roomBeside(length)).toBe(count));
