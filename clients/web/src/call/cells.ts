// The calls that go on or ring here, as the server tells them.
import type { Message } from '../wire/codec';
import { keyOf, type Target } from '../chat/line';
import { phase, request } from '../session/session';
import { active, cells, incoming, keyOfCell, readCell, readIncoming, type Cell } from './state';

/** Asks which calls go on. */
export function refreshCells(): void {
  if (phase.value !== 'in') return; // a guest has one call
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

/** Takes in how a call of several stands now. */
export function takeCell(m: Message): void {
  const cell = readCell(m);
  const next = new Map(cells.value);
  if (cell.participants > 0) next.set(cell.connection_key, cell);
  else next.delete(cell.connection_key);
  cells.value = next;
}

/** The call that goes on in a conversation. */
export function cellOf(c: Target): Cell | undefined {
  return [...cells.value.values()].find((x) => keyOf(x.target) === keyOf(c) || (x.target.kind === 'pair' && c.kind === 'pair' && x.user_account === c.id));
}
