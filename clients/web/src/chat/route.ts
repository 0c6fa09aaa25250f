// Which conversation is open, kept in the address bar: the browser's back button and a reload work.
import { signal } from '@preact/signals';
import type { Target } from './line';

function read(): Target | undefined {
  const [, kind, id] = /^#\/(pair|group)\/(.+)$/.exec(location.hash) ?? [];
  if ((kind !== 'pair' && kind !== 'group') || !id) return undefined;
  try {
    return { kind, id: decodeURIComponent(id) };
  } catch {
    return undefined;
  }
}

/** The conversation that is open, if any. */
export const open = signal<Target | undefined>(read());

window.addEventListener('hashchange', () => (open.value = read()));

/** Opens a conversation. */
export function go(target: Target): void {
  const hash = `#/${target.kind}/${encodeURIComponent(target.id)}`;
  if (location.hash !== hash) location.hash = hash;
}

/** Goes back to the list. */
export function goHome(): void {
  history.pushState(null, '', location.pathname);
  open.value = undefined;
}
