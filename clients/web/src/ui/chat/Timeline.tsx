import { fetchEarlier, fetchLater, toLatest } from '../../chat/history';
import { titleOf } from '../../chat/author';
import type { Conversation, Line } from '../../chat/line';
import { outbox } from '../../chat/outbox';
import { parcels } from '../../chat/parcels';
import { timelines } from '../../chat/store';
import { blank, dayOf } from '../../chat/timeline';
import { unreadFrom } from '../../chat/unread';
import { me } from '../../session/session';
import { t } from '../../text';
import { day } from '../../text/when';
import { Viewer } from '../files/Viewer';
import { Icon } from '../Icon';
import { LineView, PendingView } from './LineView';
import { MessageInfo } from './MessageInfo';
import { MessageMenu } from './MessageMenu';
import { ParcelView } from './ParcelView';
import { Readers } from './Progress';
import { ReactionPicker } from './ReactionPicker';
import { moveFocus, useScrolling } from './scrolling';

const quietly = (fetching: Promise<unknown>) => void fetching.catch(() => undefined);

/** The lines of a conversation and those on their way. */
export function Timeline({ c }: { c: Conversation }) {
  const known = timelines.value.get(c.conversation) ?? blank;
  const sent = new Set(known.lines.slice(-50).map((l) => l.client_message_id));
  const pending = outbox.value.filter((p) => p.kind === c.kind && p.id === c.id && !sent.has(p.client_message_id));
  const waiting = parcels.value.filter((p) => p.kind === c.kind && p.id === c.id);
  const pages = { earlier: () => quietly(fetchEarlier(c.conversation)), later: () => quietly(fetchLater(c.conversation)) };
  const { box, away, onScroll, toEnd } = useScrolling(c.conversation, known, pending.length + waiting.length, pages);
  const none = known.lines.length === 0 && pending.length + waiting.length === 0;
  const ownLast = c.kind === 'group' && known.live ? known.lines.findLast((l) => l.user_account === me.value && l.message_id !== '' && (l.message_type === 'text' || l.message_type === 'voice')) : undefined;
  return (
    <div class="timeline-frame">
      <div class="timeline" ref={box} onScroll={onScroll} onKeyDown={moveFocus} role="log" tabIndex={0} aria-label={titleOf(c)} data-testid="timeline">
        <div class="lines">
          {none && (known.top || !c.conversation) && <p class="muted empty">{t('no_messages')}</p>}
          {!known.top && known.lines.length > 0 && <p class="muted empty">{t('loading')}</p>}
          {known.lines.map((line, at) => (
            <Row key={line.seq} line={line} before={known.lines[at - 1]} c={c} />
          ))}
          {ownLast && <Readers line={ownLast} c={c} />}
          {!known.live && <p class="muted empty">{t('loading')}</p>}
          {pending.map((p) => (
            <PendingView key={p.client_message_id} pending={p} c={c} />
          ))}
          {waiting.map((p) => (
            <ParcelView key={p.time} parcel={p} c={c} />
          ))}
        </div>
      </div>
      {(away || !known.live) && (
        <button type="button" class="icon-button to-end" data-testid="to-end" aria-label={t('new_below')} title={t('new_below')} onClick={() => (known.live ? toEnd() : quietly(toLatest(c.conversation)))}>
          <Icon name="down" />
        </button>
      )}
      <MessageMenu />
      <MessageInfo />
      <ReactionPicker />
      <Viewer />
    </div>
  );
}

function Row({ line, before, c }: { line: Line; before: Line | undefined; c: Conversation }) {
  const newDay = !before || dayOf(before.time) !== dayOf(line.time);
  const mark = unreadFrom.value;
  const fresh = mark?.conversation === c.conversation && line.seq > mark.seq && (before?.seq ?? 0) <= mark.seq && line.user_account !== me.value;
  const talk = before?.message_type === 'text' || before?.message_type === 'voice';
  const follows = !newDay && !fresh && talk && before.user_account === line.user_account && line.time - before.time < 300_000;
  return (
    <>
      {newDay && (
        <p class="day">
          <span>{day(line.time)}</span>
        </p>
      )}
      {fresh && (
        <p class="day fresh" data-testid="new-messages">
          <span>{t('new_messages')}</span>
        </p>
      )}
      <LineView line={line} c={c} follows={follows} />
    </>
  );
}
