import type { Line } from '../../chat/line';
import { parts } from '../../chat/markup';
import { discard, retry, type Pending } from '../../chat/outbox';
import { recordText } from '../../chat/record';
import { me } from '../../session/session';
import { t } from '../../text';
import { clock } from '../../text/when';
import { Icon } from '../Icon';
import { sentence } from '../notice';
import { FileView } from './FileView';

/** A line of history. `follows`: the one before is by the same person and not long ago. */
export function LineView({ line, group, follows }: { line: Line; group: boolean; follows: boolean }) {
  if (line.message_type !== 'text') return <RecordView line={line} />;
  const mine = line.user_account === me.value;
  return (
    <article
      class={`message ${mine ? 'mine' : ''} ${follows ? 'follows' : ''}`}
      data-testid="message"
      data-seq={line.seq}
      data-author={line.user_account}
      data-state="sent"
      aria-label={line.user_account}
    >
      {group && !mine && !follows && <strong class="author ellipsis">{line.user_account}</strong>}
      <Text text={line.text} />
      <time dateTime={new Date(line.time).toISOString()}>{clock(line.time)}</time>
    </article>
  );
}

/** A text on its way. */
export function PendingView({ pending }: { pending: Pending }) {
  return (
    <article class="message mine pending" data-testid="message" data-seq="" data-author={me.value} data-state={pending.failure ? 'failed' : 'sending'}>
      <Text text={pending.text} />
      {pending.failure ? (
        <div class="failed" role="alert">
          <span>{t('not_sent', { reason: sentence(pending.failure) })}</span>
          <button type="button" class="quiet" onClick={() => retry(pending)}>{t('try_again')}</button>
          <button type="button" class="quiet" onClick={() => discard(pending)}>{t('discard')}</button>
        </div>
      ) : (
        <time>{t('sending')}</time>
      )}
    </article>
  );
}

function RecordView({ line }: { line: Line }) {
  const text = recordText(line);
  if (!text) return null;
  return (
    <p class="record" data-testid="record" data-seq={line.seq} data-type={line.message_type} data-outcome={line.outcome || line.event}>
      {line.message_type === 'call_record' && <Icon name={line.call === 'videocall' ? 'camera' : 'phone'} />}
      <span>{text}</span>
      <time>{clock(line.time)}</time>
    </p>
  );
}

function Text({ text }: { text: string }) {
  return (
    <div class="text">
      {parts(text).map((part, at) => {
        if (part.kind === 'file') return <FileView key={at} name={part.name} />;
        if (part.kind === 'words') return <span key={at}>{part.text}</span>;
        return (
          <a key={at} href={part.url} target="_blank" rel="noopener noreferrer">
            {part.url}
          </a>
        );
      })}
    </div>
  );
}
