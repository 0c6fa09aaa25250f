// Uploads that a reload, a crash or a closed window broke off. The browser does not keep the file, but its place on the server: picked again, it goes on there.
import { signal } from '@preact/signals';
import { me, takePart } from '../session/session';
import { discardUpload } from '../wire/upload';

/** An upload that was begun. */
export interface Begun {
  /** Its place on the server. */
  place: string;
  /** keyOf the conversation it is for. */
  key: string;
  /** What tells the file: name, size in bytes and when it was changed, Unix ms. */
  name: string;
  size: number;
  lastModified: number;
  /** The client's clock in its NAME. */
  time: number;
  keep_location: boolean;
  /** Bytes that had arrived, as far as is known. */
  sent: number;
}

/** Those that nobody goes on with at this moment. */
export const unfinished = signal<readonly Begun[]>([]);

/** The server forgets an upload so long after its last piece, ms. */
const kept = 24 * 3600 * 1000;

const storageKey = () => `uploads ${me.value}`;

/** Remembers an upload, or how far it is by now. */
export function remember(begun: Begun): void {
  store([...read().filter((b) => b.place !== begun.place), begun]);
}

/** Forgets one that is done or given up. */
export function forgetBegun(place: string): void {
  store(read().filter((b) => b.place !== place));
  unfinished.value = unfinished.value.filter((b) => b.place !== place);
}

/** Takes the upload that was begun of this file, if there is one. */
export function takeBegun(file: File, keep_location: boolean): Begun | undefined {
  const begun = unfinished.value.find((b) => b.name === file.name && b.size === file.size && b.lastModified === file.lastModified && b.keep_location === keep_location);
  if (begun) unfinished.value = unfinished.value.filter((b) => b !== begun);
  return begun;
}

/** Gives an upload up, here and on the server. */
export function giveUp(begun: Begun): void {
  forgetBegun(begun.place);
  discardUpload(begun.place).catch(() => undefined);
}

function read(): Begun[] {
  try {
    return JSON.parse(localStorage.getItem(storageKey()) ?? '[]') as Begun[];
  } catch {
    return [];
  }
}

function store(all: readonly Begun[]) {
  try {
    if (all.length > 0) localStorage.setItem(storageKey(), JSON.stringify(all));
    else localStorage.removeItem(storageKey());
  } catch {
    // Without room for it nothing is remembered.
  }
}

/** The name of the lock that says that some window goes on with an upload. */
const lockOf = (place: string) => `upload ${place}`;

/** Holds an upload as long as `ending` is not aborted, so that other windows leave it alone. Unencrypted pages from elsewhere have no locks. */
export function hold(place: string, ending: AbortSignal): void {
  if (!('locks' in navigator)) return;
  const over = new Promise<void>((resolve) => ending.addEventListener('abort', () => resolve(), { once: true }));
  void navigator.locks.request(lockOf(place), { ifAvailable: true }, () => over).catch(() => undefined);
}

async function recall(): Promise<void> {
  const fresh = read().filter((b) => b.time > Date.now() - kept);
  store(fresh);
  const held = 'locks' in navigator ? ((await navigator.locks.query()).held ?? []).map((lock) => lock.name) : [];
  unfinished.value = fresh.filter((b) => !held.includes(lockOf(b.place)));
}

takePart({
  opened(again) {
    if (!again) void recall();
  },
  left: () => (unfinished.value = []),
});
