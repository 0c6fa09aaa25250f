// Fetches the list of conversations and their histories: page by page, around a place one jumps to, and whatever is missing between.
import { signal } from '@preact/signals';
import { statOf } from '../wire/failure';
import { request, takePart } from '../session/session';
import { keyOf, readConversation, readLine, type Line } from './line';
import { byId, conversations, dropTimeline, listed, lineAt, setTimeline, timelines } from './store';
import { blank, filled, firstHole, merge } from './timeline';

/** The line to be brought into sight, once it is there. */
export const jump = signal<{ conversation: string; seq: number } | undefined>(undefined);

const listPage = 200;
const historyPage = 50;
/** Past so many missed lines one starts at the end again instead of fetching them all. */
const farBehind = 400;

const filling = new Set<string>();

/** Fetches the list; answers the highest change in it. A conversation that only this browser knows of stays. */
export async function refreshList(): Promise<number> {
  const fresh = new Map(conversations.value);
  let before_change: string | undefined;
  let highest = 0;
  do {
    const { items } = await request({ message_type: 'conversation', type: 'GET', limit: listPage, before_change });
    for (const item of items) {
      const c = readConversation(item);
      fresh.set(keyOf(c), c);
      highest = Math.max(highest, Number(item.change ?? 0));
    }
    before_change = items.length === listPage ? items.at(-1)?.change : undefined;
  } while (before_change);
  conversations.value = fresh;
  listed.value = true;
  for (const id of timelines.value.keys()) void fillHoles(id);
  return highest;
}

/** Fetches the latest page of a conversation, once. */
export async function openHistory(conversation: string): Promise<void> {
  if (!conversation || timelines.value.has(conversation)) return;
  await fetchFirst(conversation, {}, (more) => ({ top: !more, live: true }));
}

/** Goes to the end of a conversation, from a stretch of the past. */
export async function toLatest(conversation: string): Promise<void> {
  dropTimeline(conversation);
  await openHistory(conversation);
}

/** Shows a line, with what is around it. Rejects with a Failure. */
export async function jumpTo(conversation: string, seq: number): Promise<void> {
  if (!lineAt(conversation, seq)) {
    const after_seq = Math.max(0, seq - historyPage / 2);
    await fetchFirst(conversation, { after_seq }, (more) => ({ top: after_seq === 0, live: !more }));
  }
  jump.value = { conversation, seq };
}

async function fetchFirst(conversation: string, where: { after_seq?: number }, ends: (more: boolean) => { top: boolean; live: boolean }): Promise<void> {
  const fresh = { ...blank };
  setTimeline(conversation, fresh);
  try {
    const { head, items } = await request({ message_type: 'history', type: 'GET', conversation, ...where, limit: historyPage });
    const known = timelines.value.get(conversation) ?? fresh;
    const { top, live } = ends(head.more === 'yes');
    const merged = merge(live ? known : fresh, items.map(readLine));
    setTimeline(conversation, { ...merged, top: merged.top || top, live });
    void fillHoles(conversation);
  } catch (error) {
    dropTimeline(conversation);
    throw error;
  }
}

/** Fetches the page before the first line known. */
export async function fetchEarlier(conversation: string): Promise<void> {
  const known = timelines.value.get(conversation);
  const before_seq = known?.lines[0]?.seq;
  if (!known || known.top || before_seq === undefined || !claim(`before ${conversation}`)) return;
  try {
    const { head, items } = await request({ message_type: 'history', type: 'GET', conversation, before_seq, limit: historyPage });
    const merged = merge(timelines.value.get(conversation) ?? known, items.map(readLine));
    setTimeline(conversation, { ...merged, top: merged.top || head.more !== 'yes' });
  } finally {
    filling.delete(`before ${conversation}`);
  }
}

/** Fetches the page after the last line known, of a stretch of the past. */
export async function fetchLater(conversation: string): Promise<void> {
  const known = timelines.value.get(conversation);
  const after_seq = known?.lines.at(-1)?.seq;
  if (!known || known.live || after_seq === undefined || !claim(`after ${conversation}`)) return;
  try {
    const { head, items } = await request({ message_type: 'history', type: 'GET', conversation, after_seq, limit: historyPage });
    const t = merge(timelines.value.get(conversation) ?? known, items.map(readLine));
    setTimeline(conversation, { ...t, live: head.more !== 'yes' });
    void fillHoles(conversation);
  } finally {
    filling.delete(`after ${conversation}`);
  }
}

/** One line that may be far from what is known, without showing it. Rejects with a Failure. */
export async function fetchLine(conversation: string, seq: number): Promise<Line | undefined> {
  const { items } = await request({ message_type: 'history', type: 'GET', conversation, after_seq: seq - 1, limit: 1 });
  const [line] = items.map(readLine);
  return line?.seq === seq ? line : undefined;
}

/** Asks for whatever is missing between and after the known lines, page by page. */
export async function fillHoles(conversation: string): Promise<void> {
  if (!claim(conversation)) return;
  try {
    for (let hole = holeOf(conversation); hole; hole = holeOf(conversation)) {
      const { items } = await request({ message_type: 'history', type: 'GET', conversation, after_seq: hole.after_seq, limit: 200 });
      const t = timelines.value.get(conversation);
      if (!t) return;
      setTimeline(conversation, filled(t, hole, items.map(readLine)));
    }
  } catch (error) {
    // Lost connections are mended by the next login, which comes here again.
    if (statOf(error) !== 0) console.warn('history', error);
  } finally {
    filling.delete(conversation);
  }
}

function holeOf(conversation: string) {
  const t = timelines.value.get(conversation);
  const last_seq = byId(conversation)?.last_seq ?? 0;
  if (!t) return undefined;
  const end = t.lines.at(-1)?.seq ?? last_seq;
  if (t.live && last_seq - end > farBehind) {
    void toLatest(conversation).catch(() => undefined);
    return undefined;
  }
  return firstHole(t, last_seq);
}

function claim(name: string): boolean {
  if (filling.has(name)) return false;
  filling.add(name);
  return true;
}

takePart({
  left() {
    filling.clear();
    jump.value = undefined;
  },
});
