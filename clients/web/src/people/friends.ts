// Friends, questions on the way, and who is blocked.
import { computed, signal } from '@preact/signals';
import type { Message } from '../wire/codec';
import { me, request, takePart } from '../session/session';
import { mended, notify } from '../ui/notice';

/** How one stands to somebody: friends, `asked` by me, or `asking` me. */
export type FriendState = 'accepted' | 'asked' | 'asking';

/** Somebody one is friends with, or about to be. */
export interface Friend {
  friends: string;
  state: FriendState;
  /** What came with the question. */
  text: string;
}

/** All of them, by account. */
export const friends = signal<ReadonlyMap<string, Friend>>(new Map());
/** Whom one blocked. */
export const blocked = signal<ReadonlySet<string>>(new Set());
/** Questions that wait for an answer of mine. */
export const questions = computed(() => [...friends.value.values()].filter((f) => f.state === 'asking'));

/** Asks somebody to be friends; who has asked already is accepted by it. Rejects with a Failure. */
export async function ask(account: string, text: string): Promise<void> {
  await request({ message_type: 'friend', friends: account, text: text || undefined });
  set(account, { friends: account, state: friends.value.get(account)?.state === 'asking' ? 'accepted' : 'asked', text });
}

/** Answers a question. Rejects with a Failure. */
export async function answer(account: string, yes: boolean): Promise<void> {
  await request({ message_type: 'friend', type: 'PATCH', friends: account, state: yes ? 'accepted' : 'refused' });
  set(account, yes ? { friends: account, state: 'accepted', text: '' } : undefined);
}

/** Ends a friendship, or takes a question back. Rejects with a Failure. */
export async function end(account: string): Promise<void> {
  await request({ message_type: 'friend', type: 'DELETE', friends: account });
  set(account, undefined);
}

/** Blocks somebody, or no longer. Rejects with a Failure. */
export async function block(account: string, on: boolean): Promise<void> {
  await request({ message_type: 'block', type: on ? 'POST' : 'DELETE', friends: account });
  setBlocked(account, on);
  if (on) set(account, undefined);
}

/** Asks who one's friends are and whom one blocked. Rejects with a Failure. */
export async function fetchFriends(): Promise<void> {
  const [known, shut] = await Promise.all([all('friend'), all('block')]);
  friends.value = new Map(known.map((m) => [m.friends ?? '', { friends: m.friends ?? '', state: stateOf(m.state), text: m.text ?? '' }]));
  blocked.value = new Set(shut.map((m) => m.friends ?? ''));
}

/** All pages of a list. */
async function all(message_type: 'friend' | 'block'): Promise<Message[]> {
  const found: Message[] = [];
  for (let more = true; more; ) {
    const { head, items } = await request({ message_type, type: 'GET', after: found.at(-1)?.friends });
    found.push(...items);
    more = head.more === 'yes' && items.length > 0;
  }
  return found;
}

/** How one stands to somebody after a `friend` was pushed; undefined: not at all. */
export function friendAfter(m: Message, mine: boolean): FriendState | undefined {
  if (m.state === 'accepted') return 'accepted';
  if (m.state === 'asked') return mine ? 'asked' : 'asking';
  return undefined;
}

function stateOf(state = ''): FriendState {
  return state === 'asked' || state === 'asking' ? state : 'accepted';
}

function set(account: string, friend: Friend | undefined) {
  if (friend?.state !== 'asking') mended('note_friend_asks');
  const next = new Map(friends.value);
  if (friend) next.set(account, friend);
  else next.delete(account);
  friends.value = next;
}

function setBlocked(account: string, on: boolean) {
  const next = new Set(blocked.value);
  if (on) next.add(account);
  else next.delete(account);
  blocked.value = next;
}

function pushedFriend(m: Message, late: boolean) {
  const mine = m.user_account === me.value;
  const account = (mine ? m.friends : m.user_account) ?? '';
  const state = friendAfter(m, mine);
  set(account, state && { friends: account, state, text: m.text ?? '' });
  if (mine || late) return;
  if (state === 'asking') notify('note_friend_asks', { account }, 'status');
  if (state === 'accepted') notify('note_friend_accepted', { account }, 'status');
}

takePart({
  opened: () => void fetchFriends().catch(() => undefined),
  pushed(m, late) {
    if (m.message_type === 'friend') pushedFriend(m, late);
    if (m.message_type === 'block' && m.friends) setBlocked(m.friends, m.type !== 'DELETE');
  },
  left() {
    friends.value = new Map();
    blocked.value = new Set();
  },
});
