// Finding messages by their words.
import { signal } from '@preact/signals';
import { request, takePart } from '../session/session';
import { readLine, type Line } from './line';
import { goHome } from './route';
import { dayStart } from './snippet';

/** What is looked for. */
export interface Query {
  text: string;
  /** A conversation's id, or everywhere. */
  conversation?: string;
  /** Who wrote it. */
  friends?: string;
  /** Local days as date fields give them, both inclusive. */
  since?: string;
  until?: string;
}

/** One that was found. */
export interface Hit {
  conversation: string;
  change: string;
  line: Line;
}

/** What was found. */
export interface Found {
  hits: readonly Hit[];
  more: boolean;
}

/** The search panel is open, and where it looks: in one conversation or, with '', everywhere. */
export const searching = signal<{ conversation: string } | undefined>(undefined);

/** Opens the search panel, which stands where the list does: without room for both, one goes back to it. */
export function openSearch(conversation: string): void {
  searching.value = { conversation };
  if (matchMedia('(max-width: 719px)').matches) goHome();
}

/** Looks for messages; `after` is what was found so far, to go on from there. Rejects with a Failure. */
export async function search(query: Query, after?: Found): Promise<Found> {
  const { head, items } = await request({
    message_type: 'search',
    type: 'GET',
    text: query.text,
    conversation: query.conversation === '' ? undefined : query.conversation,
    friends: query.friends === '' ? undefined : query.friends,
    since: dayStart(query.since, 0),
    until: dayStart(query.until, 1),
    before_change: after?.hits.at(-1)?.change,
  });
  const hits = items.map((m) => ({ conversation: m.conversation ?? '', change: m.change ?? '', line: readLine(m) }));
  return { hits: [...(after?.hits ?? []), ...hits], more: head.more === 'yes' };
}

takePart({ left: () => (searching.value = undefined) });
