import { useRef } from 'preact/hooks';
import { pick } from '../../chat/attachments';
import { titleOf } from '../../chat/author';
import { startEdit, stopAside } from '../../chat/draft';
import { keyOf, type Conversation } from '../../chat/line';
import { timelines } from '../../chat/store';
import { me } from '../../session/session';
import { t } from '../../text';
import { canRecord, recording, startRecording } from '../../voice/recorder';
import { Icon } from '../Icon';
import { RecordBar } from '../voice/RecordBar';
import { Aside } from './Aside';
import { useMentions } from './MentionList';
import { AttachButton, Picked } from './Picked';
import { useWriting } from './writing';

/** Where one writes, or speaks. */
export function Composer({ c }: { c: Conversation }) {
  return recording.value?.key === keyOf(c) ? <RecordBar c={c} /> : <Writing c={c} />;
}

function Writing({ c }: { c: Conversation }) {
  const area = useRef<HTMLTextAreaElement>(null);
  const { key, draft, picked, ready, busy, type, submit } = useWriting(c, area);
  const mention = useMentions(c, area, type);

  function onKeyDown(e: KeyboardEvent) {
    // An Enter that ends the composition of 汉字 does not send.
    if (e.isComposing || mention.onKeyDown(e)) return;
    if (e.key === 'Enter' && !e.shiftKey) void submit();
    else if (e.key === 'Escape' && (draft.reply ?? draft.edit)) stopAside(key);
    else if (e.key === 'ArrowUp' && draft.text === '' && !draft.reply) editLast(c);
    else return;
    e.preventDefault();
  }

  return (
    <form
      class="composer"
      onSubmit={(e) => {
        e.preventDefault();
        void submit();
      }}
    >
      {mention.view}
      <Aside c={c} />
      <Picked c={c} files={picked} />
      <AttachButton onPick={(files) => pick(c, files)} />
      <textarea
        ref={area}
        data-testid="composer"
        rows={1}
        aria-label={t('message_to', { name: titleOf(c) })}
        placeholder={t('message')}
        value={draft.text}
        {...mention.field}
        onInput={(e) => {
          type(e.currentTarget.value);
          mention.look();
        }}
        onKeyDown={onKeyDown}
        onClick={mention.look}
      />
      {!ready && !draft.edit && canRecord ? (
        <button type="button" class="icon-button" data-testid="record" aria-label={t('record')} title={t('record')} onClick={() => void startRecording(key)}>
          <Icon name="microphone" />
        </button>
      ) : (
        <button class="icon-button send" data-testid="send" aria-label={t(draft.edit ? 'save_edit' : 'send')} title={t(draft.edit ? 'save_edit' : 'send')} disabled={!ready || busy}>
          <Icon name={draft.edit ? 'check' : 'send'} />
        </button>
      )}
    </form>
  );
}

/** The arrow up in an empty field changes what one said last. */
function editLast(c: Conversation) {
  const line = timelines.value.get(c.conversation)?.lines.findLast((l) => l.user_account === me.value && l.message_type === 'text');
  if (line) startEdit(keyOf(c), line);
}
