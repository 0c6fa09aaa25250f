import { place } from '../../call/ringing';
import { active, outgoing, type CallKind } from '../../call/state';
import { isFormer } from '../../chat/groups';
import type { Conversation, Line } from '../../chat/line';
import { connection } from '../../session/session';
import { t } from '../../text';

/** Calls again from the record of a call, with voice or video as it was. */
export function CallBack({ line, c, missed }: { line: Line; c: Conversation; missed: boolean }) {
  if (isFormer(c)) return null;
  const kind: CallKind = line.call === 'videocall' ? 'videocall' : 'call';
  return (
    <button type="button" class="quiet" data-testid="call-back" disabled={!!active.value || !!outgoing.value || connection.value !== 'open'} onClick={() => void place(c, kind)}>
      {t(missed ? 'call_back' : 'call_again')}
    </button>
  );
}
