// The call this tab is in, so that a reload comes back to it.
import type { CallKind } from './state';
import type { Target } from '../chat/line';

/** What a reload needs to know. */
export interface Remembered {
  connection_key: string;
  kind: CallKind;
  target: Target;
  microphone: boolean;
  camera: boolean;
  /** When somebody else was first in it, Unix ms; 0 before. */
  since: number;
  /** Whose call; another account of the same browser has no part in it. */
  account: string;
}

const storageKey = 'call';

/** Keeps the call, or forgets it. */
export function remember(call: Remembered | undefined): void {
  if (call) sessionStorage.setItem(storageKey, JSON.stringify(call));
  else sessionStorage.removeItem(storageKey);
}

/** The call that was kept, if any, of this account. */
export function remembered(account: string): Remembered | undefined {
  try {
    const kept = JSON.parse(sessionStorage.getItem(storageKey) ?? 'null') as Remembered | null;
    return kept?.account === account ? kept : undefined;
  } catch {
    return undefined;
  }
}
