// Who is logged in here, and the connection that comes with it.
import { computed, signal } from '@preact/signals';
import { openChannel, type Channel } from '../wire/channel';
import type { Message } from '../wire/codec';
import { Failure } from '../wire/failure';
import { register } from '../wire/register';
import { logIn, logOut, whoAmI } from '../wire/session';
import type { Answer, Fields } from '../wire/socket';
import { mended, notify } from '../ui/notice';
import { browserName } from './browser';

/** `away`: the server did not answer the first question yet. `guest`: this page is of one call, without an account. */
export type Phase = 'starting' | 'away' | 'out' | 'in' | 'guest';

/** Where the session stands. */
export const phase = signal<Phase>('starting');
/** The account logged in, or what a guest has in its place, or ''. */
export const me = signal('');

const channel = signal<Channel | undefined>(undefined);
/** The state of the connection. */
export const connection = computed(() => channel.value?.state.value ?? 'offline');

interface Part {
  /** After each login on the connection; `again` after a loss. */
  opened?: (again: boolean) => void;
  /** `late`: it came with `sync` after a loss, and may have been pushed before. */
  pushed?: (message: Message, late: boolean) => void;
  /** Nobody is logged in any more: forget everything. */
  left?: () => void;
  /** Also in the session of a guest, who is told of one call and asks for nothing else. */
  guests?: boolean;
}

const listeners: Part[] = [];

/** Lets a part of the program take part in every session. To be called while modules load. */
export function takePart(part: Part): void {
  listeners.push(part);
}

/** The name this browser has among the account's devices, made once. */
export const device: string = (() => {
  const known = localStorage.getItem('device');
  if (known && /^[A-Za-z0-9._-]{1,60}$/.test(known)) return known;
  const made = `${browserName(navigator.userAgent)}-${[...crypto.getRandomValues(new Uint8Array(6))].map((b) => b.toString(16).padStart(2, '0')).join('')}`;
  localStorage.setItem('device', made);
  return made;
})();

/** Finds out whether this browser is logged in, however long the server is away. */
export async function boot(): Promise<void> {
  for (;;) {
    try {
      const account = await whoAmI();
      if (account) enter(account);
      else phase.value = 'out';
      return;
    } catch {
      phase.value = 'away';
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  }
}

/** Logs in with a password. Rejects with a Failure. */
export async function enterWith(account: string, password: string): Promise<void> {
  enter(await logIn(account, password, device));
}

/** Makes an account and logs in. Rejects with a Failure. */
export async function signUp(account: string, password: string, invite: string): Promise<void> {
  await register(account, password, invite === '' ? undefined : invite);
  await enterWith(account, password);
}

/** Logs out, here and on the server. */
export async function leave(): Promise<void> {
  await logOut();
  forget();
}

/** Changes the password: all other devices are logged out. Rejects with a Failure: 404 the present one is wrong. */
export async function changePassword(present: string, fresh: string): Promise<void> {
  await request({ message_type: 'password', user_password: present, new_password: fresh });
  // The cookie was that of a session which has ended by this. The connection goes over to that of the new one, and the
  // session it had meanwhile ends, or this browser would be listed twice.
  const account = await logIn(me.value, fresh, device);
  const { items } = await request({ message_type: 'device', type: 'GET' });
  channel.value?.close();
  enter(account);
  await ready();
  const session = items.find((m) => m.current === 'yes')?.session;
  if (session) await request({ message_type: 'device', type: 'DELETE', session });
}

/** Sends a request; rejects with a Failure. */
export function request(fields: Fields): Promise<Answer> {
  return channel.value?.request(fields) ?? Promise.reject(new Failure(0, 'not connected'));
}

/** Resolves when there is a connection. */
export function ready(): Promise<void> {
  return channel.value?.ready() ?? Promise.reject(new Failure(0, 'logged out'));
}

/** The parts of the program that take part in this session. */
const parts = () => (phase.value === 'guest' ? listeners.filter((part) => part.guests) : listeners);

/** Tells every part what the server told. */
export function passOn(message: Message, late: boolean): void {
  parts().forEach((part) => part.pushed?.(message, late));
}

/** Connects a guest by the session that a link was exchanged for; `over` is called when that has ended. */
export function enterGuest(account: string, session: string, over: () => void): void {
  me.value = account;
  phase.value = 'guest';
  connectBy({ message_type: 'guest', session }, () => {
    disconnect();
    over();
  });
}

function enter(account: string) {
  mended('err_logged_out', 'err_wrong_password', 'err_account_taken', 'err_away');
  me.value = account;
  phase.value = 'in';
  connectBy({ message_type: 'login', user_account: account, device }, () => {
    forget();
    notify('err_logged_out');
  });
}

function connectBy(login: Fields, revoked: () => void) {
  channel.value = openChannel(login, {
    opened: (again) => parts().forEach((part) => part.opened?.(again)),
    pushed: (message) => passOn(message, false),
    revoked,
  });
}

/** Forgets everything here; the server knows already. */
export function forget(): void {
  disconnect();
  phase.value = 'out';
}

function disconnect() {
  listeners.forEach((part) => part.left?.());
  channel.value?.close();
  channel.value = undefined;
  me.value = '';
}
