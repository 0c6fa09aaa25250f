// Which pictures of the others are wanted, and how large. Pure: sizes.ts measures and tells the server.
import type { Participants } from './state';

/** A picture of somebody: their participant id and a source. */
export type PictureKey = `${string} ${'camera' | 'screen'}`;

/** A size as it is told, `width`x`height`, or `none`. */
export type Told = string;

/** The larger of two sizes. */
export function larger(a: Told, b: Told): Told {
  return areaOf(a) >= areaOf(b) ? a : b;
}

function areaOf(size: Told): number {
  const [width = 0, height = 0] = size.split('x').map(Number);
  return width * height || 0;
}

/**
 * What is to be told of each picture that arrives: its size where it is measured, nothing yet where it has a place, and else `none`. A picture without a
 * section is not spoken of: it could not get one if it were not wanted.
 */
export function wantedOf(participants: Participants, measured: ReadonlyMap<PictureKey, Told>, placed: ReadonlySet<PictureKey>): Map<PictureKey, Told> {
  const wanted = new Map<PictureKey, Told>();
  for (const { participant, tracks } of participants.values()) {
    for (const source of ['camera', 'screen'] as const) {
      const key: PictureKey = `${participant} ${source}`;
      const size = measured.get(key) ?? (placed.has(key) ? undefined : 'none');
      if (tracks[source]?.mid && size) wanted.set(key, size);
    }
  }
  return wanted;
}
