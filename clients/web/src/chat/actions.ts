// What one does to a message: edit, delete, react. The page shows it at once and goes back if the server refuses.
import { signal } from '@preact/signals';
import { me, request, takePart } from '../session/session';
import type { Line } from './line';
import { summed, withMine, type Reacted } from './reactions';
import { changeLine } from './store';
import { withEdit, withoutContent } from './timeline';

/** Who reacted how, by message_id, where somebody asked. */
export const reacted = signal<ReadonlyMap<string, readonly Reacted[]>>(new Map());

/** Tells of reactions come one by one; so many ms they are gathered before one asks what the sum is. */
const gathering = 120;

const dirty = new Map<string, { conversation: string; seq: number }>();
let timer = 0;

/** Says something else in a text of one's own. Rejects with a Failure. */
export async function edit(conversation: string, line: Line, text: string, mentions: readonly string[]): Promise<void> {
  const named = mentions.join(',') || undefined;
  const { head } = await request({ message_type: 'edit', message_id: line.message_id, text, mentions: named });
  changeLine(conversation, line.seq, (l) => (l.text === text ? l : withEdit(l, { ...head, text, edited: head.edited ?? String(Date.now()), mentions: named ?? '' })));
}

/** Deletes a message. Rejects with a Failure. */
export async function remove(conversation: string, line: Line, whose: 'me' | 'all'): Promise<void> {
  await request({ message_type: 'delete', message_id: line.message_id, for: whose });
  changeLine(conversation, line.seq, (l) => withoutContent(l, whose === 'me'));
}

/** Adds a reaction of one's own, or takes it back. Rejects with a Failure. */
export async function react(conversation: string, line: Line, reaction: string, on: boolean): Promise<void> {
  changeLine(conversation, line.seq, (l) => ({ ...l, reactions: withMine(l.reactions, reaction, on) }));
  try {
    await request({ message_type: 'react', type: on ? 'POST' : 'DELETE', message_id: line.message_id, reaction });
  } catch (error) {
    changeLine(conversation, line.seq, (l) => ({ ...l, reactions: withMine(l.reactions, reaction, !on) }));
    throw error;
  }
}

/** Asks who reacted how. Rejects with a Failure. */
export async function fetchReacted(conversation: string, message_id: string, seq: number): Promise<void> {
  const { items } = await request({ message_type: 'react', type: 'GET', message_id });
  const who = items.map((m) => ({ user_account: m.user_account ?? '', reaction: m.reaction ?? '' }));
  reacted.value = new Map(reacted.value).set(message_id, who);
  changeLine(conversation, seq, (l) => (l.message_type === 'deleted' ? l : { ...l, reactions: summed(who, me.value) }));
}

function askSoon(conversation: string, message_id: string, seq: number) {
  dirty.set(message_id, { conversation, seq });
  if (timer) return;
  timer = window.setTimeout(() => {
    timer = 0;
    for (const [id, at] of dirty) fetchReacted(at.conversation, id, at.seq).catch(() => undefined);
    dirty.clear();
  }, gathering);
}

takePart({
  pushed(m) {
    if (m.message_type === 'react' && m.conversation && m.message_id) askSoon(m.conversation, m.message_id, Number(m.seq));
  },
  left() {
    clearTimeout(timer);
    timer = 0;
    dirty.clear();
    reacted.value = new Map();
  },
});
