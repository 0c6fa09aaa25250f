import { gist, lineAuthor } from '../../chat/author';
import { draftOf, stopAside } from '../../chat/draft';
import { keyOf, type Conversation } from '../../chat/line';
import { t } from '../../text';
import { Icon } from '../Icon';

/** Above the field: which message is answered or changed. */
export function Aside({ c }: { c: Conversation }) {
  const { reply, edit } = draftOf(keyOf(c));
  const line = edit ?? reply;
  if (!line) return null;
  return (
    <div class="aside" data-testid={edit ? 'editing' : 'replying'}>
      <Icon name={edit ? 'edit' : 'reply'} />
      <div class="quote">
        <strong class="ellipsis" data-ellipsis>{edit ? t('editing') : t('reply_to', { who: lineAuthor(line) })}</strong>
        <span class="ellipsis" data-ellipsis>{gist(line.message_type, line.text)}</span>
      </div>
      <button type="button" class="icon-button" aria-label={t('cancel')} title={t('cancel')} data-testid="aside-cancel" onClick={() => stopAside(keyOf(c))}>
        <Icon name="close" />
      </button>
    </div>
  );
}
