// Names and pictures of people, asked for when they are first shown, many at once.
import { signal } from '@preact/signals';
import type { Message } from '../wire/codec';
import { statOf } from '../wire/failure';
import { me, phase, request, takePart } from '../session/session';
import { guestName, isGuest } from './guests';

/** What others may know of an account. */
export interface Person {
  user_account: string;
  user_name: string;
  /** NAME of a file, or ''. */
  avatar: string;
}

/** Those known, by account. */
export const people = signal<ReadonlyMap<string, Person>>(new Map());
/** One's own columns, as the server names them. */
export const own = signal<Readonly<Message>>({});

const atOnce = 100;
/** So long what is asked for is gathered, ms. */
const gathering = 25;

const asked = new Set<string>();
const queue = new Set<string>();
let timer = 0;

/** What is known of an account; what is not is fetched. */
export function personOf(account: string): Person {
  const known = people.value.get(account);
  if (!known) want(account);
  return known ?? { user_account: account, user_name: '', avatar: '' };
}

/** What somebody is called: the name they gave themselves, or the account. */
export function nameOf(account: string): string {
  if (isGuest(account)) return guestName(account);
  return personOf(account).user_name || account;
}

/** Takes in what some answer told of people. */
export function learn(found: readonly Person[]): void {
  const next = new Map(people.value);
  let differs = false;
  for (const p of found) {
    const before = next.get(p.user_account);
    if (before?.user_name === p.user_name && before.avatar === p.avatar) continue;
    next.set(p.user_account, p);
    differs = true;
  }
  if (differs) people.value = next;
}

/** Asks for an account again, as names and pictures change. */
export function refreshPerson(account: string): void {
  asked.delete(account);
  want(account);
}

/** Changes some of one's own columns. Rejects with a Failure. */
export async function changeOwn(columns: Readonly<Record<string, string>>): Promise<void> {
  await request({ message_type: 'profile', type: 'PATCH', ...columns });
  takeOwn(columns);
}

/** Asks for one's own columns. Rejects with a Failure. */
export async function fetchOwn(): Promise<void> {
  const { head } = await request({ message_type: 'profile', type: 'GET' });
  takeOwn(head);
}

function takeOwn(columns: Readonly<Message>) {
  own.value = { ...own.value, ...columns };
  learn([read({ ...own.value, user_account: me.value })]);
}

function read(m: Readonly<Message>): Person {
  return { user_account: m.user_account ?? '', user_name: m.user_name ?? '', avatar: m.avatar ?? '' };
}

function want(account: string) {
  if (!account || account === 'all' || isGuest(account) || phase.value === 'guest' || asked.has(account)) return;
  asked.add(account);
  queue.add(account);
  timer ||= window.setTimeout(fetchQueue, gathering);
}

function fetchQueue() {
  timer = 0;
  const wanted = [...queue];
  queue.clear();
  for (let at = 0; at < wanted.length; at += atOnce) void fetchSome(wanted.slice(at, at + atOnce));
}

async function fetchSome(accounts: readonly string[]): Promise<void> {
  try {
    const { head, items } = await request({ message_type: 'profile', type: 'GET', friends: accounts.join(',') });
    learn((accounts.length === 1 ? [{ user_account: accounts[0] ?? '', ...head }] : items).map(read));
  } catch (error) {
    // Without a connection: the next login asks for them.
    if (statOf(error) === 0) accounts.forEach((account) => queue.add(account));
  }
}

takePart({
  opened(again) {
    fetchOwn().catch(() => undefined);
    if (again) people.value.forEach((_, account) => queue.add(account));
    if (queue.size > 0) timer ||= window.setTimeout(fetchQueue, gathering);
  },
  pushed(m) {
    if (m.message_type !== 'profile' || (m.user_account && m.user_account !== me.value)) return;
    if (m.type === 'PATCH') takeOwn(m);
    else void fetchOwn().catch(() => undefined);
  },
  left() {
    clearTimeout(timer);
    timer = 0;
    queue.clear();
    asked.clear();
    people.value = new Map();
    own.value = {};
  },
});
