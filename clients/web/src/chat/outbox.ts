// Messages on their way: sent in order, again after a loss with the same client_message_id, until the server said 200 or no.
import { signal } from '@preact/signals';
import { Failure, statOf } from '../wire/failure';
import { device, me, ready, request, takePart } from '../session/session';
import { refreshList, toLatest } from './history';
import { readLine, type Target } from './line';
import { takeLine } from './resume';
import { byId, timelines } from './store';

/** What is sent: a text, or with a file and its heights a voice message. */
export interface Content {
  text: string;
  reply_to?: string;
  mentions?: readonly string[];
  voice?: { file: string; duration_ms: number; waveform: string };
}

/** A message the server has not answered yet. */
export interface Pending extends Target, Content {
  client_message_id: string;
  time: number;
  /** Why it will not be sent; undefined while it may be. */
  failure?: Failure;
}

/** The messages on their way, oldest first. */
export const outbox = signal<readonly Pending[]>([]);

const storageKey = () => `outbox ${me.value}`;
let flushing = false;

/** Queues a message and sends it as soon as that is possible. */
export function send(target: Target, content: Content): void {
  const client_message_id = `${device}-${Date.now().toString(36)}-${Math.floor(Math.random() * 1e9).toString(36)}`;
  store([...outbox.value, { ...content, kind: target.kind, id: target.id, client_message_id, time: Date.now() }]);
  void flush();
}

/** Sends a failed message again. */
export function retry(pending: Pending): void {
  store(outbox.value.map((p) => (p === pending ? { ...p, failure: undefined } : p)));
  void flush();
}

/** Forgets a message that was not sent. */
export function discard(pending: Pending): void {
  store(outbox.value.filter((p) => p !== pending));
}

function store(pending: readonly Pending[]) {
  outbox.value = pending;
  // A reload goes on with what was not answered; a failure is told once.
  sessionStorage.setItem(storageKey(), JSON.stringify(pending.filter((p) => !p.failure)));
}

async function flush(): Promise<void> {
  if (flushing) return;
  flushing = true;
  try {
    for (let next = waiting(); next; next = waiting()) {
      await ready();
      await attempt(next);
    }
  } catch {
    // Logged out meanwhile.
  } finally {
    flushing = false;
  }
}

const waiting = () => outbox.value.find((p) => !p.failure);

function fieldsOf(p: Pending) {
  const where = p.kind === 'group' ? { group_id: p.id } : { friends: p.id };
  const mentions = p.mentions?.length ? p.mentions.join(',') : undefined;
  const what = p.voice ? { message_type: 'voice', ...p.voice } : { message_type: 'text', text: p.text, mentions };
  return { ...what, ...where, reply_to: p.reply_to, client_message_id: p.client_message_id };
}

async function attempt(p: Pending): Promise<void> {
  try {
    const { head, items } = await request(fieldsOf(p));
    await arrived(p, { ...items[0], ...head });
  } catch (error) {
    const stat = statOf(error);
    if (!(error instanceof Failure)) throw error;
    if (stat === 0) return;
    if (stat === 429 || stat === 503) return pause((error.retryAfter || 2) * 1000);
    store(outbox.value.map((q) => (q.client_message_id === p.client_message_id ? { ...q, failure: error } : q)));
  }
}

async function arrived(p: Pending, answer: Record<string, string>): Promise<void> {
  const conversation = answer.conversation ?? '';
  if (!byId(conversation)) await refreshList().catch(() => undefined);
  const said: Record<string, string> = { ...answer, user_account: me.value };
  for (const [name, value] of Object.entries(fieldsOf(p))) if (value !== undefined) said[name] = String(value);
  takeLine(conversation, readLine(said));
  store(outbox.value.filter((q) => q.client_message_id !== p.client_message_id));
  // What one says one sees, also where one was reading in the past.
  if (timelines.value.get(conversation)?.live === false) await toLatest(conversation).catch(() => undefined);
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

function recall() {
  if (outbox.value.length > 0) return;
  try {
    outbox.value = JSON.parse(sessionStorage.getItem(storageKey()) ?? '[]') as Pending[];
  } catch {
    outbox.value = [];
  }
}

takePart({
  opened() {
    recall();
    void flush();
  },
  left: () => (outbox.value = []),
});
