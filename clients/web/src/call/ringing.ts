// Placing calls and being called, until somebody answers (docs/protocol.md, section 8).
import type { Message } from '../wire/codec';
import { request, takePart } from '../session/session';
import { mended, notify, notifyFailure } from '../ui/notice';
import type { Target } from '../chat/line';
import { go } from '../chat/route';
import { enterChecked, type Want } from './before';
import { endHere, enterCall, leaveCall } from './active';
import { cellOf, dropIncoming, refreshCells, ring, takeCell } from './cells';
import { active, cells, incoming, keyOfCell, outgoing, type CallKind, type Cell, type Incoming } from './state';

/** Calls a person or a group, after a look at oneself. A call that goes on in the group is joined instead. */
export async function place(target: Target, kind: CallKind): Promise<void> {
  if (outgoing.value) return;
  const running = target.kind === 'group' ? cellOf(target) : undefined;
  if (running) return joinCell(running);
  await enterChecked({ target, kind, joins: false, go: (want) => call(target, kind, want) });
}

async function call(target: Target, kind: CallKind, want: Want): Promise<void> {
  if (active.value) await leaveCall();
  const mine = { cell_key: '', kind, target };
  outgoing.value = mine;
  mended('note_refused', 'note_no_answer', 'note_call_ended', 'err_call_over');
  try {
    const whom = target.kind === 'group' ? { group_id: target.id } : { friends: target.id };
    const opened = await request({ message_type: 'cell', ...whom });
    const key = keyOfCell(opened.head);
    const rung = await request({ message_type: kind, cell_key: key, ...(target.kind === 'pair' ? whom : {}) });
    await rings(mine, key, rung.head.cell_key ?? key, want);
  } catch (error) {
    if (outgoing.value === mine) outgoing.value = undefined;
    notifyFailure(error, { 404: 'err_gone', 409: 'err_calls_open', 429: 'err_calls_open' });
  }
}

/** `answered` is another key where the other one is calling here at this moment: that call is joined instead. */
async function rings(mine: { kind: CallKind; target: Target }, key: string, answered: string, want: Want): Promise<void> {
  if (outgoing.value !== mine) {
    // Cancelled while it was being opened.
    await request({ message_type: 'cell', type: 'DELETE', cell_key: key });
    return;
  }
  const both = answered !== key;
  if (both) dropIncoming(answered);
  // In a group one is simply in the call while it rings; between two there is nothing to see before the answer.
  outgoing.value = both || mine.target.kind === 'group' ? undefined : { ...mine, cell_key: answered };
  await enterCall({ connection_key: answered, kind: mine.kind, target: mine.target, ...want });
}

/** Takes back the call being placed. */
export async function cancel(): Promise<void> {
  if (active.value) await leaveCall();
  outgoing.value = undefined;
}

/** Answers a call, with or without one's own picture. */
export async function accept(call: Incoming, camera: boolean): Promise<void> {
  dropIncoming(call.cell_key);
  const target: Target = call.group_id ? { kind: 'group', id: call.group_id } : { kind: 'pair', id: call.user_account };
  go(target);
  // Not awaited: the server reads in order, and each round trip would be waited for by two people.
  const answered = request({ message_type: 'cell', cell_type: '200', friends: call.user_account, cell_key: call.cell_key });
  answered.catch((error: unknown) => {
    if (active.value?.connection_key !== call.cell_key) return;
    endHere();
    notifyFailure(error, { 404: 'err_call_over', 409: 'err_call_over' });
  });
  await enterCall({ connection_key: call.cell_key, kind: call.kind, target, camera });
}

/** Refuses a call. */
export async function refuse(call: Incoming): Promise<void> {
  dropIncoming(call.cell_key);
  try {
    await request({ message_type: 'cell', cell_type: '404', friends: call.user_account, cell_key: call.cell_key });
  } catch (error) {
    notifyFailure(error, { 404: 'err_call_over' });
  }
  refreshCells();
}

/** Lets a call ring on elsewhere, silently here. */
export function hide(call: Incoming): void {
  incoming.value = incoming.value.map((c) => (c === call ? { ...c, hidden: true } : c));
  refreshCells();
}

/** Joins a call that goes on: at once if it rings here, else after a look at oneself. */
export async function joinCell(cell: Cell): Promise<void> {
  const ring = incoming.value.find((c) => c.cell_key === cell.connection_key);
  if (ring) return accept(ring, ring.kind === 'videocall');
  const { connection_key, kind, target } = cell;
  await enterChecked({ target, kind, joins: true, go: (want) => enterCall({ connection_key, kind, target, ...want }) });
}

function answered(m: Message) {
  const key = keyOfCell(m) || (outgoing.value?.cell_key ?? '');
  if (m.cell_type === '409') {
    dropIncoming(key);
    refreshCells();
    return;
  }
  const who = m.friends ?? m.user_account ?? '';
  if (m.cell_type === '200') {
    if (outgoing.value?.cell_key === key) outgoing.value = undefined;
    return;
  }
  if (active.value?.connection_key !== key && outgoing.value?.cell_key !== key) return;
  notify(m.cell_type === '408' ? 'note_no_answer' : 'note_refused', { account: who }, 'status');
  if (active.value?.target.kind !== 'group' && !active.value?.met) void leaveCall();
}

function over(key: string, cause: string) {
  dropIncoming(key);
  const rest = new Map(cells.value);
  if (rest.delete(key)) cells.value = rest;
  if (active.value?.connection_key !== key) return;
  if (cause === 'removed') notify('note_removed_from_call');
  else if (active.value.met) notify('note_call_ended', {}, 'status');
  endHere();
}

function pushed(m: Message) {
  const type = m.message_type ?? '';
  if (type === 'call' || type === 'videocall') {
    if (m.type === 'DELETE') dropIncoming(keyOfCell(m));
    else ring(m);
    if (m.group_id || m.type === 'DELETE') refreshCells();
  } else if (type === 'cell') {
    if (m.type === 'DELETE') over(keyOfCell(m), m.cause ?? '');
    else if (m.type === 'PATCH') takeCell(m);
    else if (m.cell_type) answered(m);
  }
}

takePart({
  guests: true,
  pushed,
  opened: refreshCells,
  left() {
    incoming.value = [];
    outgoing.value = undefined;
    cells.value = new Map();
  },
});
