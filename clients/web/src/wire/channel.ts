// The connection of a session: logged in, reconnecting by itself until it is closed or the session is void.
import { signal, type ReadonlySignal } from '@preact/signals';
import { backoff } from './backoff';
import { connect, type Answer, type Fields, type Socket } from './socket';
import type { Message } from './codec';
import { Failure, statOf } from './failure';

/** `offline` covers everything between a loss and the next login. */
export type ChannelState = 'connecting' | 'open' | 'offline';

/** What the channel tells its owner. */
export interface ChannelEvents {
  /** Logged in; `again` after a loss. What is missed is to be fetched now. */
  opened: (again: boolean) => void;
  pushed: (message: Message) => void;
  /** The session is void: somebody has to log in again. The channel is closed. */
  revoked: () => void;
}

/** A connection that heals. */
export interface Channel {
  state: ReadonlySignal<ChannelState>;
  /** As Socket.request; rejects with stat 0 at once while there is no connection. */
  request: (fields: Fields) => Promise<Answer>;
  /** Resolves when logged in, at once if that is so already. */
  ready: () => Promise<void>;
  /** Ends the connection for good. */
  close: () => void;
}

/** 1008 policy: the session is revoked or the account suspended. */
const closedByPolicy = 1008;
const probeEvery = 30_000;

/** Opens the channel of who logs in so: an account whose cookie this browser has, or a guest with a session. */
export function openChannel(login: Fields, events: ChannelEvents): Channel {
  const state = signal<ChannelState>('connecting');
  let socket: Socket | undefined;
  let attempt = 0;
  let opened = false;
  let closed = false;
  let timer = 0;
  let waiters: (() => void)[] = [];

  function start() {
    clearTimeout(timer);
    if (closed || socket) return;
    socket = connect('/message', { opened: (s) => void logIn(s), pushed: events.pushed, closed: lost });
  }

  async function logIn(s: Socket) {
    try {
      await s.request(login);
    } catch (error) {
      // Only these pass by themselves; anything else (401, 404, or 400 without a cookie) asks for a password.
      if ([0, 429, 500, 503].includes(statOf(error))) s.close();
      else revoke();
      return;
    }
    attempt = 0;
    state.value = 'open';
    events.opened(opened);
    opened = true;
    for (const resume of waiters.splice(0)) resume();
  }

  function lost(code: number) {
    socket = undefined;
    if (closed) return;
    if (code === closedByPolicy && state.value === 'open') {
      revoke();
      return;
    }
    state.value = 'offline';
    timer = window.setTimeout(start, backoff(attempt++));
  }

  function revoke() {
    close();
    events.revoked();
  }

  function close() {
    closed = true;
    clearTimeout(timer);
    clearInterval(probe);
    window.removeEventListener('online', start);
    window.removeEventListener('offline', drop);
    document.removeEventListener('visibilitychange', check);
    state.value = 'offline';
    socket?.close();
  }

  const drop = () => socket?.close();
  // Scripts do not see the server's pings: a request now and then tells whether the connection still carries anything.
  const check = () => {
    if (document.visibilityState !== 'visible') return;
    if (state.value === 'open') socket?.request({ message_type: 'profile', type: 'GET' }).catch(() => undefined);
    else start();
  };
  const probe = window.setInterval(check, probeEvery);
  window.addEventListener('online', start);
  window.addEventListener('offline', drop);
  document.addEventListener('visibilitychange', check);
  start();

  return {
    state,
    request: (fields) =>
      socket && state.value === 'open' ? socket.request(fields) : Promise.reject(new Failure(0, 'not connected')),
    ready: () => {
      if (state.value === 'open') return Promise.resolve();
      return new Promise((resolve) => (waiters = [...waiters, resolve]));
    },
    close,
  };
}
