import { lineAuthor, titleOf } from '../../chat/author';
import type { Conversation, Line } from '../../chat/line';
import { mentions, missedCall } from '../../chat/line';
import { discard, retry, type Pending } from '../../chat/outbox';
import { recordText } from '../../chat/record';
import { me } from '../../session/session';
import { t } from '../../text';
import { clock } from '../../text/when';
import { Icon } from '../Icon';
import { explain } from '../notice';
import { VoiceView } from '../voice/VoiceView';
import { CallBack } from './CallBack';
import { Chips } from './Chips';
import { holdToOpen, openMenu } from './MessageMenu';
import { ProgressMark } from './Progress';
import { Quote } from './Quote';
import { Text } from './Text';

interface Props {
  line: Line;
  c: Conversation;
  /** The one before is by the same person and not long ago. */
  follows: boolean;
}

/** A line of history. */
export function LineView({ line, c, follows }: Props) {
  if (line.message_type === 'deleted') return <DeletedView line={line} c={c} follows={follows} />;
  if (line.message_type !== 'text' && line.message_type !== 'voice') return <RecordView line={line} c={c} />;
  const mine = line.user_account === me.value;
  const names = ['message', mine ? 'mine' : '', follows ? 'follows' : '', mentions(line, me.value) ? 'mentions-me' : ''];
  return (
    <article
      class={names.filter(Boolean).join(' ')}
      data-testid="message"
      data-seq={line.seq}
      data-author={line.user_account}
      data-state="sent"
      aria-label={lineAuthor(line)}
      tabIndex={-1}
      {...holdToOpen(line, c)}
    >
      {c.kind === 'group' && !mine && !follows && <strong class="author ellipsis">{lineAuthor(line)}</strong>}
      {line.reply_to && <Quote conversation={c.conversation} message_id={line.reply_to} />}
      {line.message_type === 'voice' ? <VoiceView line={line} /> : <Text text={line.text} mentioned={line.mentions} files={line.files} conversation={c.conversation} />}
      <Chips line={line} c={c} />
      <footer class="meta">
        {line.edited > 0 && <span data-testid="edited">{t('edited')}</span>}
        <time dateTime={new Date(line.time).toISOString()}>{clock(line.time)}</time>
        {mine && <ProgressMark line={line} c={c} />}
      </footer>
      <button type="button" class="icon-button more" tabIndex={-1} aria-haspopup="menu" aria-label={t('message_menu')} data-testid="message-menu" onClick={(e) => openMenu(e.currentTarget, line, c)}>
        <Icon name="more" />
      </button>
    </article>
  );
}

function DeletedView({ line, c, follows }: Props) {
  if (line.hidden) return null;
  const mine = line.user_account === me.value;
  return (
    <article class={`message deleted ${mine ? 'mine' : ''} ${follows ? 'follows' : ''}`} data-testid="message" data-seq={line.seq} data-author={line.user_account} data-state="deleted"
      aria-label={lineAuthor(line)} tabIndex={-1} {...holdToOpen(line, c)}>
      <div class="text">{mine ? t('deleted_by_me') : t('deleted_by', { who: lineAuthor(line) })}</div>
      <footer class="meta">
        <time dateTime={new Date(line.time).toISOString()}>{clock(line.time)}</time>
      </footer>
    </article>
  );
}

/** A message on its way. */
export function PendingView({ pending, c }: { pending: Pending; c: Conversation }) {
  const [key, params] = pending.failure ? explain(pending.failure, c.kind === 'pair' ? { 403: 'err_write_forbidden' } : {}) : (['sending', {}] as const);
  return (
    <article class="message mine pending" data-testid="message" data-seq="" data-author={me.value} data-state={pending.failure ? 'failed' : 'sending'}>
      {pending.reply_to && <Quote conversation={c.conversation} message_id={pending.reply_to} />}
      <Text text={pending.voice ? t('last_voice') : pending.text} mentioned={pending.mentions ?? []} conversation={c.conversation} />
      {pending.failure ? (
        <div class="failed" role="alert">
          <span>{t('not_sent', { reason: t(key, { name: titleOf(c), ...params }) })}</span>
          <button type="button" class="quiet" data-testid="try-again" onClick={() => retry(pending)}>{t('try_again')}</button>
          <button type="button" class="quiet" onClick={() => discard(pending)}>{t('discard')}</button>
        </div>
      ) : (
        <footer class="meta">{t('sending')}</footer>
      )}
    </article>
  );
}

function RecordView({ line, c }: { line: Line; c: Conversation }) {
  const text = recordText(line);
  if (!text) return null;
  const call = line.message_type === 'call_record';
  const missed = call && missedCall(line, line.user_account, me.value);
  return (
    <p class={missed ? 'record missed' : 'record'} data-testid="record" data-seq={line.seq} data-type={line.message_type} data-outcome={line.outcome || line.event}>
      {call && <Icon name={line.call === 'videocall' ? 'camera' : 'phone'} />}
      <span>{text}</span>
      <time>{clock(line.time)}</time>
      {call && <CallBack line={line} c={c} missed={missed} />}
    </p>
  );
}
