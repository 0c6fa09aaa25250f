// Takes in what the server tells, and after a loss everything that changed meanwhile, by `sync`.
import type { Message } from '../wire/codec';
import { statOf } from '../wire/failure';
import { me, passOn, request, takePart } from '../session/session';
import { afterLoss, afterPage, afterPush, start } from './cursor';
import { fillHoles, openHistory, refreshList } from './history';
import { lineTypes, readLine, withLine, type Line } from './line';
import { noteArrears, noteDelivered } from './receipts';
import { byId, changeLine, current, dropTimeline, lineAt, put, setTimeline, timelines } from './store';
import { withEdit, withoutContent, withPushed } from './timeline';

/** Past so many changes the histories are fetched afresh when they are opened. */
const manyPages = 10;

let cursor = start;
let listTimer = 0;

/** Takes in a line that was pushed, or that one's own send was answered with. */
export function takeLine(conversation: string, line: Line): void {
  const c = byId(conversation);
  if (!c) {
    refreshSoon();
    return;
  }
  put(withLine(c, line, me.value));
  const known = timelines.value.get(conversation);
  if (!known) return;
  setTimeline(conversation, withPushed(known, line));
  void fillHoles(conversation);
}

/** Several unknown conversations at once cost one fetch. */
function refreshSoon() {
  clearTimeout(listTimer);
  listTimer = window.setTimeout(() => void refreshList().catch(() => undefined), 100);
}

/** After a first login the list says where one is; after a loss `sync` brings everything since. */
async function resume(again: boolean): Promise<void> {
  cursor = afterLoss(cursor);
  const before = cursor.at;
  const highest = await refreshList();
  noteArrears();
  if (!again || before === 0) {
    cursor = afterPage(cursor, highest, false);
    return;
  }
  try {
    for (let more = true, page = 0; more; page++) {
      if (page === manyPages) startAfresh();
      const { head, items } = await request({ message_type: 'sync', type: 'GET', after_change: cursor.at });
      // The list is newer than these: only what it does not show is taken from them.
      for (const item of items) passOn(item, true);
      more = head.more === 'yes';
      cursor = afterPage(cursor, Number(head.change), more);
    }
  } catch (error) {
    // A server without `sync`: the holes in the histories are filled all the same.
    if (statOf(error) === 400) cursor = afterPage(cursor, highest, false);
  }
}

/** Forgets all histories; the open one is fetched at once. */
function startAfresh() {
  for (const id of timelines.value.keys()) dropTimeline(id);
  void openHistory(current.value?.conversation ?? '').catch(() => undefined);
}

function pushed(m: Message) {
  if (m.message_type === 'sync') {
    // The server may have something that it did not push.
    void resume(true).catch(() => undefined);
    return;
  }
  cursor = afterPush(cursor, Number(m.change ?? 0));
  const conversation = m.conversation ?? '';
  const seq = Number(m.seq ?? 0);
  if (!conversation || !seq) return;
  if (lineTypes.has(m.message_type ?? '')) pushedLine(conversation, m);
  else if (m.message_type === 'edit') {
    changePreview(conversation, seq, { text: m.text ?? '' });
    changeLine(conversation, seq, (line) => withEdit(line, m));
  } else if (m.message_type === 'delete') {
    changePreview(conversation, seq, { text: '', last_type: 'deleted' });
    changeLine(conversation, seq, (line) => withoutContent(line, m.for === 'me'));
  }
}

/** What the list shows of a last line whose history was not opened. */
function changePreview(conversation: string, seq: number, change: { text: string; last_type?: string }) {
  const c = byId(conversation);
  if (c?.last_seq === seq) put({ ...c, ...change });
}

function pushedLine(conversation: string, m: Message) {
  const line = readLine(m);
  const known = lineAt(conversation, line.seq);
  // A push has no reactions in it: those known stay.
  takeLine(conversation, known && m.reactions === undefined && line.message_type !== 'deleted' ? { ...line, reactions: known.reactions } : line);
  if (line.user_account !== me.value) noteDelivered(conversation, line.seq);
}

takePart({
  opened: (again) => void resume(again).catch(() => undefined),
  pushed,
  left() {
    clearTimeout(listTimer);
    cursor = start;
  },
});
