// Who is writing at this moment. Told, not kept: it ends by itself.
import { signal } from '@preact/signals';
import { me, request, takePart } from '../session/session';
import type { Target } from './line';

/** Who writes, by conversation. */
export const typing = signal<ReadonlyMap<string, readonly string[]>>(new Map());

/** Told again after so long, ms, and over where nothing came for a little longer. */
const tellEvery = 4000;
const lasts = 7000;

const timers = new Map<string, number>();
let told = { key: '', at: 0 };

/** Tells the others of a conversation that one is writing, or that one stopped. */
export function tellTyping(target: Target, writing: boolean): void {
  const key = `${target.kind}:${target.id}`;
  const recent = told.key === key && Date.now() - told.at < tellEvery;
  if (writing === recent) return;
  if (!writing && told.key !== key) return;
  told = writing ? { key, at: Date.now() } : { key: '', at: 0 };
  const where = target.kind === 'group' ? { group_id: target.id } : { friends: target.id };
  request({ message_type: 'typing', ...where, state: writing ? undefined : 'stopped' }).catch(() => undefined);
}

/** Who writes without somebody, or with. */
export function withTyping(known: ReadonlyMap<string, readonly string[]>, conversation: string, account: string, on: boolean): ReadonlyMap<string, readonly string[]> {
  const before = known.get(conversation) ?? [];
  if (before.includes(account) === on) return known;
  return new Map(known).set(conversation, on ? [...before, account] : before.filter((other) => other !== account));
}

function set(conversation: string, account: string, on: boolean) {
  const key = `${conversation} ${account}`;
  clearTimeout(timers.get(key));
  if (on) timers.set(key, window.setTimeout(() => set(conversation, account, false), lasts));
  else timers.delete(key);
  typing.value = withTyping(typing.value, conversation, account, on);
}

takePart({
  pushed(m, late) {
    const { conversation, user_account } = m;
    if (late || !conversation || !user_account || user_account === me.value) return;
    if (m.message_type === 'typing') set(conversation, user_account, m.state !== 'stopped');
    if (m.message_type === 'text' || m.message_type === 'voice') set(conversation, user_account, false);
  },
  left() {
    timers.forEach((timer) => clearTimeout(timer));
    timers.clear();
    typing.value = new Map();
    told = { key: '', at: 0 };
  },
});
