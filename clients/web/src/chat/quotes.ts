// The messages that others answer, also where they are far from what is shown.
import { signal } from '@preact/signals';
import { takePart } from '../session/session';
import { fetchLine } from './history';
import { seqOf, type Line } from './line';
import { lineAt } from './store';

/** Those fetched, by message_id; null: it is not to be seen. */
const fetched = signal<ReadonlyMap<string, Line | null>>(new Map());
const asked = new Set<string>();

/** The message with this id; undefined while it is being fetched, null where there is none. */
export function quoted(conversation: string, message_id: string): Line | null | undefined {
  const line = lineAt(conversation, seqOf(message_id));
  if (line) return line.hidden ? null : line;
  const known = fetched.value.get(message_id);
  if (known === undefined && !asked.has(message_id)) {
    asked.add(message_id);
    queueMicrotask(() => void fetchQuote(conversation, message_id));
  }
  return known;
}

async function fetchQuote(conversation: string, message_id: string) {
  try {
    const line = await fetchLine(conversation, seqOf(message_id));
    fetched.value = new Map(fetched.value).set(message_id, line && !line.hidden ? line : null);
  } catch {
    asked.delete(message_id);
  }
}

takePart({
  left() {
    asked.clear();
    fetched.value = new Map();
  },
});
