// Texts on their way: sent in order, again after a loss with the same client_message_id, until the server said 200 or no.
import { signal } from '@preact/signals';
import { Failure, statOf } from '../wire/failure';
import { device, me, ready, request, takePart } from '../session/session';
import { readLine, type Target } from './line';
import { byId, refreshList, takeLine } from './store';

/** A text the server has not answered yet. */
export interface Pending extends Target {
  client_message_id: string;
  text: string;
  time: number;
  /** Why it will not be sent; undefined while it may be. */
  failure?: Failure;
}

/** The texts on their way, oldest first. */
export const outbox = signal<readonly Pending[]>([]);

const storageKey = () => `outbox ${me.value}`;
let flushing = false;

/** Queues a text and sends it as soon as that is possible. */
export function send(target: Target, text: string): void {
  const client_message_id = `${device}-${Date.now().toString(36)}-${Math.floor(Math.random() * 1e9).toString(36)}`;
  store([...outbox.value, { kind: target.kind, id: target.id, client_message_id, text, time: Date.now() }]);
  void flush();
}

/** Sends a failed text again. */
export function retry(pending: Pending): void {
  store(outbox.value.map((p) => (p === pending ? { ...p, failure: undefined } : p)));
  void flush();
}

/** Forgets a text that was not sent. */
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

async function attempt(p: Pending): Promise<void> {
  const where = p.kind === 'group' ? { group_id: p.id } : { friends: p.id };
  try {
    const { head, items } = await request({ message_type: 'text', ...where, text: p.text, client_message_id: p.client_message_id });
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
  takeLine(conversation, readLine({ ...answer, message_type: 'text', user_account: me.value, text: p.text, client_message_id: p.client_message_id }));
  store(outbox.value.filter((q) => q.client_message_id !== p.client_message_id));
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
