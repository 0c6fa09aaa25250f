// The calls that go on or ring here, as the server tells them.
import { computed, effect } from '@preact/signals';
import type { Message } from '../wire/codec';
import { request } from '../session/session';
import { active, cells, incoming, keyOfCell, readCell, readIncoming } from './state';

/** Others come and go in a call one is not in without a word to those outside; so one asks now and then, ms. */
const askEvery = 15_000;

/** Asks which calls go on. */
export function refreshCells(): void {
  request({ message_type: 'cell', type: 'GET' }).then(
    ({ items }) => take(items),
    () => undefined, // the next login asks again
  );
}

/** Takes in a call that rings, unless it is known. */
export function ring(m: Message): void {
  const call = readIncoming(m);
  if (active.value?.connection_key === call.cell_key || incoming.value.some((c) => c.cell_key === call.cell_key)) return;
  incoming.value = [...incoming.value, call];
}

/** Forgets a call that no longer rings here. */
export function dropIncoming(cell_key: string): void {
  incoming.value = incoming.value.filter((c) => c.cell_key !== cell_key);
}

function take(items: readonly Message[]) {
  cells.value = new Map(items.map(readCell).map((cell) => [cell.connection_key, cell]));
  const ringing = items.filter((m) => m.ringing === 'yes');
  const keys = new Set(ringing.map(keyOfCell));
  ringing.forEach((m) => ring({ ...m, message_type: m.call ?? 'call' }));
  incoming.value = incoming.value.filter((c) => keys.has(c.cell_key));
}

const outside = computed(() => !active.value && cells.value.size > 0);

effect(() => {
  if (!outside.value) return undefined;
  const timer = setInterval(refreshCells, askEvery);
  return () => clearInterval(timer);
});
