import type { Participants } from '../../call/state';

/** A tile of the call: a person with or without picture, or a screen. */
export interface TileOf {
  participant: string;
  user_account: string;
  source: 'camera' | 'screen' | 'none';
  /** The section its picture arrives in; '' without one. */
  mid: string;
  /** The person's microphone is closed, or there is none. */
  muted: boolean;
}

/** What a tile is known by, as its picture comes and goes. */
export function keyOfTile({ participant, source }: TileOf): string {
  return `${participant} ${source === 'screen' ? 'screen' : 'person'}`;
}

/** The tiles of the others: screens first, as they are what everybody looks at. With `soundOnly` nobody's camera is looked at. */
export function tilesOf(participants: Participants, soundOnly = false): TileOf[] {
  const screens: TileOf[] = [];
  const people: TileOf[] = [];
  for (const { participant, user_account, tracks } of participants.values()) {
    const muted = tracks.microphone?.muted ?? true;
    const { camera, screen } = tracks;
    const seen = !soundOnly && camera && !camera.muted && camera.mid !== '';
    people.push({ participant, user_account, muted, source: seen ? 'camera' : 'none', mid: seen ? camera.mid : '' });
    if (screen && !screen.muted && screen.mid !== '') screens.push({ participant, user_account, muted, source: 'screen', mid: screen.mid });
  }
  return [...screens, ...people];
}

/** The widest and the narrowest shape in which a camera's picture still shows enough of a person. */
const widest = 16 / 9;
const narrowest = 3 / 4;

/** How many columns make the pictures of so many tiles largest in a box of this size. */
export function columnsFor(count: number, width: number, height: number): number {
  let best = 1;
  let largest = 0;
  for (let columns = 1; columns <= count; columns++) {
    const tile = { width: width / columns, height: height / Math.ceil(count / columns) };
    const seen = Math.min(tile.width, tile.height * widest) * Math.min(tile.height, tile.width / narrowest);
    if (seen > largest) [best, largest] = [columns, seen];
  }
  return best;
}
