// Who has the large place: follows who speaks, with some calm, so that a cough or a quick “yes” does not turn the page around. Pure: view.ts keeps the time.

/** Somebody else has to speak for so long before the place is theirs, ms. */
const heard = 700;
/** Whoever has the place keeps it for at least so long, ms. */
const kept = 2500;

/** Who has the place, and who is about to get it. */
export interface Place {
  /** A participant id; '' while nobody has spoken yet. */
  id: string;
  since: number;
  /** Who speaks most instead, '' for nobody, and since when. */
  next: string;
  nextSince: number;
}

/** Before anybody has spoken. */
export const nobody: Place = { id: '', since: 0, next: '', nextSince: 0 };

/**
 * The place at `now`, ms, when these speak, who does most first. The same object if nothing changed. Whoever falls silent keeps it until somebody else speaks;
 * whoever left does not.
 */
export function follow(place: Place, speakers: readonly string[], present: (id: string) => boolean, now: number): Place {
  const here = place.id !== '' && present(place.id);
  const loudest = speakers.find(present) ?? '';
  if (!here) return loudest === place.id ? place : { ...nobody, id: loudest, since: now };
  if (loudest === place.id || loudest === '') return place.next === '' ? place : { ...place, next: '', nextSince: 0 };
  if (loudest !== place.next) return follow({ ...place, next: loudest, nextSince: now }, speakers, present, now);
  return now >= turn(place) ? { ...nobody, id: loudest, since: now } : place;
}

/** When the next one gets the place if they go on speaking; Infinity while nobody is about to. */
export function turn({ since, next, nextSince }: Place): number {
  return next === '' ? Infinity : Math.max(since + kept, nextSince + heard);
}
