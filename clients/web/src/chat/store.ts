// What this browser knows of the account's conversations, and how it stays level with the server.
import { computed, signal } from '@preact/signals';
import type { Message } from '../wire/codec';
import { statOf } from '../wire/failure';
import { me, request, takePart } from '../session/session';
import { keyOf, lineTypes, ordered, readConversation, readLine, withLine, type Conversation, type Line } from './line';
import { goHome, open } from './route';
import { blank, filled, firstHole, merge, type Timeline } from './timeline';

/** All conversations by the key of their target. */
export const conversations = signal<ReadonlyMap<string, Conversation>>(new Map());
/** The list as it is shown. */
export const list = computed(() => ordered(conversations.value.values()));
/** The list was fetched once. */
export const listed = signal(false);
/** What is known of the histories, by conversation id. */
export const timelines = signal<ReadonlyMap<string, Timeline>>(new Map());

/** The open conversation; one that has no message yet is made up for the time being. */
export const current = computed<Conversation | undefined>(() => {
  const target = open.value;
  if (!target) return undefined;
  return conversations.value.get(keyOf(target)) ?? { ...readConversation({}), kind: target.kind, id: target.id, name: target.kind === 'pair' ? target.id : '' };
});

const listPage = 200;
const historyPage = 50;
/** Past so many missed lines one starts at the end again instead of fetching them all. */
const farBehind = 400;

const filling = new Set<string>();
let listTimer = 0;

/** The conversation with this id. */
export function byId(conversation: string): Conversation | undefined {
  for (const c of conversations.value.values()) if (c.conversation === conversation) return c;
  return undefined;
}

/** Puts a conversation into the list. */
export function put(c: Conversation): void {
  conversations.value = new Map(conversations.value).set(keyOf(c), c);
}

/** Takes in a line that was pushed, or that one's own send was answered with. */
export function takeLine(conversation: string, line: Line): void {
  const c = byId(conversation);
  if (!c) {
    refreshSoon();
    return;
  }
  put(withLine(c, line, line.user_account === me.value));
  const known = timelines.value.get(conversation);
  if (!known) return;
  setTimeline(conversation, merge(known, [line]));
  void fillHoles(conversation);
}

/** Fetches the list. A conversation that only this browser knows of stays. */
export async function refreshList(): Promise<void> {
  const fresh = new Map(conversations.value);
  let before_change: string | undefined;
  do {
    const { items } = await request({ message_type: 'conversation', type: 'GET', limit: listPage, before_change });
    for (const item of items) {
      const c = readConversation(item);
      fresh.set(keyOf(c), c);
    }
    before_change = items.length === listPage ? items.at(-1)?.change : undefined;
  } while (before_change);
  conversations.value = fresh;
  listed.value = true;
  for (const id of timelines.value.keys()) void fillHoles(id);
}

/** Fetches the latest page of a conversation, once. */
export async function openHistory(conversation: string): Promise<void> {
  if (!conversation || timelines.value.has(conversation)) return;
  setTimeline(conversation, blank);
  try {
    const { head, items } = await request({ message_type: 'history', type: 'GET', conversation, limit: historyPage });
    const known = timelines.value.get(conversation) ?? blank;
    setTimeline(conversation, { ...merge(known, items.map(readLine)), top: head.more !== 'yes' });
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

/** Tells the server that everything of a conversation was read. */
export function markRead(c: Conversation): void {
  if (!c.conversation || c.read_seq >= c.last_seq) return;
  put({ ...c, read_seq: c.last_seq });
  request({ message_type: 'receipt', conversation: c.conversation, read_seq: c.last_seq }).catch(() => undefined);
}

/** Asks for whatever is missing between and after the known lines, page by page. */
async function fillHoles(conversation: string): Promise<void> {
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
  if (last_seq - end > farBehind) {
    dropTimeline(conversation);
    void openHistory(conversation).catch(() => undefined);
    return undefined;
  }
  return firstHole(t, last_seq);
}

function claim(name: string): boolean {
  if (filling.has(name)) return false;
  filling.add(name);
  return true;
}

function setTimeline(conversation: string, t: Timeline) {
  timelines.value = new Map(timelines.value).set(conversation, t);
}

function dropTimeline(conversation: string) {
  const rest = new Map(timelines.value);
  rest.delete(conversation);
  timelines.value = rest;
}

/** Several unknown conversations at once cost one fetch. */
function refreshSoon() {
  clearTimeout(listTimer);
  listTimer = window.setTimeout(() => void refreshList().catch(() => undefined), 100);
}

function pushed(m: Message) {
  const type = m.message_type ?? '';
  if (lineTypes.has(type) && m.conversation && m.seq) takeLine(m.conversation, readLine(m));
  if (type === 'receipt' && (!m.user_account || m.user_account === me.value)) {
    const c = byId(m.conversation ?? '');
    if (c) put({ ...c, read_seq: Math.max(c.read_seq, Number(m.read_seq)) });
  }
}

takePart({
  opened: () => void refreshList().catch(() => undefined),
  pushed,
  left() {
    clearTimeout(listTimer);
    conversations.value = new Map();
    timelines.value = new Map();
    listed.value = false;
    filling.clear();
    goHome();
  },
});
