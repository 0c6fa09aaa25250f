import { gist, lineAuthor } from '../../chat/author';
import { jumpTo } from '../../chat/history';
import { quoted } from '../../chat/quotes';
import { t } from '../../text';
import { notifyFailure } from '../notice';

/** The message that is answered, in one line; a click goes there. */
export function Quote({ conversation, message_id }: { conversation: string; message_id: string }) {
  const line = quoted(conversation, message_id);
  if (!line) return <p class="quote muted">{line === null ? t('reply_gone') : '…'}</p>;
  return (
    <button type="button" class="quote" data-testid="quote" data-seq={line.seq} title={t('to_original')} tabIndex={-1}
      onClick={() => jumpTo(conversation, line.seq).catch((error: unknown) => notifyFailure(error, { 404: 'err_message_gone' }))}>
      <strong class="ellipsis" data-ellipsis>{lineAuthor(line)}</strong>
      <span class="ellipsis" data-ellipsis>{gist(line.message_type, line.text)}</span>
    </button>
  );
}
