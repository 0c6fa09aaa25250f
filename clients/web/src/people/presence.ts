// Who is here, as far as they show it, and telling whether one is here oneself.
import { computed, effect, signal } from '@preact/signals';
import type { Message } from '../wire/codec';
import { connection, me, request, takePart } from '../session/session';
import { list } from '../chat/store';
import { open } from '../chat/route';
import { friends } from './friends';

/** Whether somebody is here. `last_seen` is 0 where it is not shown, else Unix ms. */
export interface Presence {
  state: 'online' | 'away' | 'offline';
  last_seen: number;
}

/** What is known, by account. */
export const presence = signal<ReadonlyMap<string, Presence>>(new Map());

/** One may watch so many. */
const limit = 200;
/** A page nobody looks at for so long, ms, means that nobody is there. */
const awayAfter = 60_000;
const gathering = 200;

let timer = 0;
let away = 0;

/** Those worth watching: whom one has open, friends, and the latest conversations. */
const watched = computed(() => {
  const pairs = [...(open.value ? [open.value] : []), ...list.value].flatMap((c) => (c.kind === 'pair' ? [c.id] : []));
  const accounts = new Set([...pairs.slice(0, 1), ...friends.value.keys(), ...pairs]);
  accounts.delete(me.value);
  return [...accounts].slice(0, limit).sort().join(',');
});

/** Reads an item or a push. */
export function readPresence(m: Message): Presence {
  const state = m.state === 'online' || m.state === 'away' ? m.state : 'offline';
  return { state, last_seen: Number(m.last_seen ?? 0) };
}

function take(items: readonly Message[]) {
  const next = new Map(presence.value);
  for (const m of items) if (m.user_account) next.set(m.user_account, readPresence(m));
  presence.value = next;
}

function watch() {
  if (!watched.value) return;
  request({ message_type: 'presence', type: 'GET', friends: watched.value, watch: 'yes' }).then(
    ({ items }) => take(items),
    () => undefined, // the next login asks again
  );
}

effect(() => {
  clearTimeout(timer);
  if (connection.value === 'open' && watched.value) timer = window.setTimeout(watch, gathering);
});

function tell(state: 'online' | 'away') {
  request({ message_type: 'presence', state }).catch(() => undefined);
}

document.addEventListener('visibilitychange', () => {
  clearTimeout(away);
  if (connection.value !== 'open') return;
  if (document.visibilityState === 'visible') tell('online');
  else away = window.setTimeout(() => tell('away'), awayAfter);
});

takePart({
  opened() {
    if (document.visibilityState === 'hidden') tell('away');
  },
  pushed(m) {
    if (m.message_type === 'presence') take([m]);
  },
  left() {
    clearTimeout(timer);
    clearTimeout(away);
    presence.value = new Map();
  },
});
