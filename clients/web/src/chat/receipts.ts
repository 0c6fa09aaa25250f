// How far everybody has received and read, as two watermarks each (docs/protocol.md, section 6).
import { signal } from '@preact/signals';
import type { Message } from '../wire/codec';
import { me, request, takePart } from '../session/session';
import { unread, withRead, type Conversation } from './line';
import { byId, list, put } from './store';
import { withReceipt, type Receipt } from './watermarks';

/** Of the others, by conversation and account. Larger groups tell nothing. */
export const receipts = signal<ReadonlyMap<string, ReadonlyMap<string, Receipt>>>(new Map());

/** So long several steps are gathered into one, ms. */
const gathering = 300;

const waiting = new Map<string, Partial<Receipt>>();
let timer = 0;

/** Asks how far the others of a conversation are. */
export async function fetchReceipts(conversation: string): Promise<void> {
  if (!conversation) return;
  const { items } = await request({ message_type: 'receipt', type: 'GET', conversation });
  const others = items.filter((m) => m.user_account && m.user_account !== me.value);
  receipts.value = new Map(receipts.value).set(conversation, new Map(others.map((m) => [m.user_account ?? '', withReceipt(undefined, m)])));
}

/** Tells the server that everything of a conversation was read. */
export function markRead(c: Conversation): void {
  if (!c.conversation || unread(c) === 0) return;
  put(withRead(c, c.last_seq));
  acknowledge(c.conversation, { read_seq: c.last_seq });
}

/** Tells the server that this browser has a line. */
export function noteDelivered(conversation: string, delivered_seq: number): void {
  acknowledge(conversation, { delivered_seq });
}

function acknowledge(conversation: string, step: Partial<Receipt>) {
  waiting.set(conversation, { ...waiting.get(conversation), ...step });
  if (timer) return;
  timer = window.setTimeout(() => {
    timer = 0;
    flush();
  }, gathering);
}

function flush() {
  for (const [conversation, { read_seq, delivered_seq }] of waiting) {
    // Having read is having received.
    const delivered = read_seq !== undefined && delivered_seq !== undefined && delivered_seq <= read_seq ? undefined : delivered_seq;
    request({ message_type: 'receipt', conversation, read_seq, delivered_seq: delivered }).catch(() => undefined);
  }
  waiting.clear();
}

function pushed(m: Message) {
  if (m.message_type !== 'receipt' || !m.conversation) return;
  const c = byId(m.conversation);
  if (!m.user_account || m.user_account === me.value) {
    if (c && m.read_seq) put(withRead(c, Number(m.read_seq)));
    return;
  }
  const known = receipts.value.get(m.conversation) ?? new Map<string, Receipt>();
  const next = new Map(known).set(m.user_account, withReceipt(known.get(m.user_account), m));
  receipts.value = new Map(receipts.value).set(m.conversation, next);
}

/** What came while this browser was away was received with the list. */
export function noteArrears(): void {
  for (const c of list.value.slice(0, 50)) {
    if (unread(c) > 0 && c.author !== me.value && !c.left) noteDelivered(c.conversation, c.last_seq);
  }
}

window.addEventListener('pagehide', flush);

takePart({
  pushed,
  left() {
    clearTimeout(timer);
    timer = 0;
    waiting.clear();
    receipts.value = new Map();
  },
});
