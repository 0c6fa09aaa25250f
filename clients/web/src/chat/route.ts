// What is open, kept in the address bar: the browser's back button and a reload work.
import { computed, signal } from '@preact/signals';
import type { Target } from './line';

type Place = Target | 'settings' | 'connection' | undefined;

function read(): Place {
  if (location.hash === '#/settings') return 'settings';
  if (location.hash === '#/connection') return 'connection';
  const [, kind, id] = /^#\/(pair|group)\/(.+)$/.exec(location.hash) ?? [];
  if ((kind !== 'pair' && kind !== 'group') || !id) return undefined;
  try {
    return { kind, id: decodeURIComponent(id) };
  } catch {
    return undefined;
  }
}

const place = signal<Place>(read());

/** The conversation that is open, if any. */
export const open = computed<Target | undefined>(() => (typeof place.value === 'object' ? place.value : undefined));
/** The settings are open. */
export const inSettings = computed(() => place.value === 'settings');
/** The test of the connection is open. */
export const inConnection = computed(() => place.value === 'connection');

window.addEventListener('hashchange', () => (place.value = read()));

/** Opens a conversation. */
export function go(target: Target): void {
  show(`#/${target.kind}/${encodeURIComponent(target.id)}`);
}

/** Opens the settings. */
export function goSettings(): void {
  show('#/settings');
}

/** Opens the test of the connection. */
export function goConnection(): void {
  show('#/connection');
}

/** Goes back to the list. */
export function goHome(): void {
  history.pushState(null, '', location.pathname);
  place.value = undefined;
}

function show(hash: string) {
  if (location.hash !== hash) location.hash = hash;
}
