// Which tiles of a call are shown, and where. Pure.
import { keyOfTile, type TileOf } from './tiles';

/** How the call is looked at. */
export interface Wish {
  view: 'grid' | 'speaker';
  /** The key of the tile that stays large; '' for none. */
  pinned: string;
  /** The participant who speaks; '' for nobody. */
  speaker: string;
  /** Which page of tiles, from 0. */
  page: number;
}

/** What is shown: one tile large, or none, and a page of the others. Who is not shown is heard all the same. */
export interface Scene {
  large: TileOf | undefined;
  small: readonly TileOf[];
  page: number;
  pages: number;
  /** How many people are on other pages. */
  elsewhere: number;
}

/** The most tiles that are shown at once. */
export const most = 16;

/** How many tiles of a useful size a box has room for, px: at least 4, so that a phone held sideways still shows people. */
export function roomIn(width: number, height: number): number {
  return Math.max(4, Math.min(most, Math.floor((width * height) / (180 * 140))));
}

/** How many tiles have room in the strip beside the large one. */
export function roomBeside(length: number): number {
  return Math.max(2, Math.min(6, Math.floor(length / 118)));
}

/** What is shown of these tiles, where there is room for so many in a grid, and for so many beside a large one. */
export function sceneOf(tiles: readonly TileOf[], wish: Wish, room: { grid: number; beside: number }): Scene {
  const large = largeOf(tiles, wish);
  const rest = tiles.filter((tile) => tile !== large);
  const size = large ? room.beside : room.grid;
  const pages = Math.max(1, Math.ceil(rest.length / size));
  const page = Math.min(wish.page, pages - 1);
  const small = withSpeaker(rest, wish.speaker, size).slice(page * size, (page + 1) * size);
  return { large, small, page, pages, elsewhere: rest.length - small.length };
}

function largeOf(tiles: readonly TileOf[], { view, pinned, speaker }: Wish): TileOf | undefined {
  const people = tiles.filter(({ source }) => source !== 'screen');
  return (
    tiles.find((tile) => keyOfTile(tile) === pinned) ??
    tiles.find(({ source }) => source === 'screen') ??
    (view === 'speaker' ? (people.find(({ participant }) => participant === speaker) ?? people[0]) : undefined)
  );
}

/** The last place of the first page is for whoever speaks from further back; all others stay where they are. */
function withSpeaker(tiles: readonly TileOf[], speaker: string, size: number): TileOf[] {
  const at = tiles.findIndex(({ participant, source }) => participant === speaker && source !== 'screen');
  const [speaks, last] = [tiles[at], tiles[size - 1]];
  if (at < size || !speaks || !last) return [...tiles];
  return tiles.map((tile, n) => (n === at ? last : n === size - 1 ? speaks : tile));
}
