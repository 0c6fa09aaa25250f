// How well each person is connected, and whose doing it is if not well. Pure: links.ts gathers and keeps it.

/** Where the trouble is. */
export type LinkCause =
  /** From here to the server: packets are lost on it; it is too slow; it is long; or this device is too slow to encode. */
  | 'own-loss'
  | 'own-slow'
  | 'own-far'
  | 'own-device'
  /** From the server to here: too slow, or packets are lost on it. */
  | 'down-slow'
  | 'down-loss'
  /** From somebody else to the server. */
  | 'their-uplink'
  /** Nobody comes through well, though the ways from and to here are good. */
  | 'server';

/** How a person comes through. */
export interface Mark {
  level: 'good' | 'fair' | 'poor';
  cause: LinkCause | undefined;
}

/** What is known of one's own way up. */
export interface OwnLink {
  /** The part of the packets that the server misses, 0 to 1. */
  lost: number;
  /** ms */
  roundTrip: number;
  limited: 'none' | 'bandwidth' | 'cpu' | 'other';
}

/** What is known of what arrives of somebody. Parts of a whole, 0 to 1. */
export interface OtherLink {
  participant: string;
  lost: number;
  concealed: number;
  frozen: number;
}

/** All there is to judge by; `pictures` and `cause` as the server pushes them with `quality`. */
export interface Links {
  own: OwnLink;
  pictures: 'full' | 'reduced' | 'none';
  cause: 'delay' | 'loss';
  others: readonly OtherLink[];
}

/** From here on people notice, and from here on it is hard to follow. */
const fair = { lost: 0.05, concealed: 0.08, frozen: 0.1 };
const poor = { lost: 0.15, concealed: 0.25, frozen: 0.3 };
/** A round trip people notice, and one that makes them talk at once, ms. */
const far = 350;
const farthest = 800;

const good: Mark = { level: 'good', cause: undefined };

/** The mark of everybody by participant; one's own at ''. */
export function judge(links: Links): Map<string, Mark> {
  const marks = new Map<string, Mark>([['', ownMark(links)]]);
  const levels = links.others.map((other) => ({ participant: other.participant, level: levelOf(other) }));
  const cause = othersCause(links, levels.filter(({ level }) => level !== 'good').length);
  for (const { participant, level } of levels) marks.set(participant, level === 'good' ? good : { level, cause });
  return marks;
}

function levelOf({ lost, concealed, frozen }: Omit<OtherLink, 'participant'>): Mark['level'] {
  const beyond = (limit: typeof fair) => lost > limit.lost || concealed > limit.concealed || frozen > limit.frozen;
  return beyond(poor) ? 'poor' : beyond(fair) ? 'fair' : 'good';
}

function ownMark({ own, pictures, cause }: Links): Mark {
  if (own.lost > fair.lost) return { level: own.lost > poor.lost ? 'poor' : 'fair', cause: 'own-loss' };
  if (pictures !== 'full') return { level: pictures === 'none' ? 'poor' : 'fair', cause: downCause(cause) };
  if (own.roundTrip > far) return { level: own.roundTrip > farthest ? 'poor' : 'fair', cause: 'own-far' };
  if (own.limited === 'bandwidth') return { level: 'fair', cause: 'own-slow' };
  if (own.limited === 'cpu') return { level: 'fair', cause: 'own-device' };
  return good;
}

const downCause = (cause: Links['cause']): LinkCause => (cause === 'loss' ? 'down-loss' : 'down-slow');

/** Whose doing it is that so many do not come through well. The server judges the way to here; what it finds good is not at fault. */
function othersCause({ own, pictures, cause, others }: Links, bad: number): LinkCause {
  if (pictures !== 'full') return downCause(cause);
  if (bad < 2 || bad < others.length) return 'their-uplink';
  return own.lost <= fair.lost && own.roundTrip <= far ? 'server' : 'down-loss';
}

/** A mark that is about to change, and for how many looks it was so. */
export interface Steady {
  mark: Mark;
  next: Mark;
  seen: number;
}

/** So many looks have to agree before a mark changes. */
export const agreeing = 3;

/** Takes a new look at a mark: it changes when several agree, and so does not flicker. */
export function steady(before: Steady | undefined, now: Mark): Steady {
  const known = before ?? { mark: good, next: good, seen: 0 };
  const same = (a: Mark, b: Mark) => a.level === b.level && a.cause === b.cause;
  if (same(known.mark, now)) return { mark: known.mark, next: now, seen: 0 };
  const seen = same(known.next, now) ? known.seen + 1 : 1;
  return seen >= agreeing ? { mark: now, next: now, seen: 0 } : { mark: known.mark, next: now, seen };
}
