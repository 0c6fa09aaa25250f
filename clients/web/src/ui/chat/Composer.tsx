import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { attachments, drop, pick, sendWith, type Attachment } from '../../chat/attachments';
import { keyOf, type Conversation } from '../../chat/line';
import { byteCount } from '../../chat/markup';
import { t } from '../../text';
import { Icon } from '../Icon';
import { mended, notify } from '../notice';

/** The limit of a text, bytes. */
const textLimit = 16 * 1024;

/** What was typed and not sent, by conversation; it outlives the composer, not the page. */
const drafts = new Map<string, string>();

/** Where one writes. */
export function Composer({ c }: { c: Conversation }) {
  const key = keyOf(c);
  const [text, setText] = useState(drafts.get(key) ?? '');
  const [busy, setBusy] = useState(false);
  const area = useRef<HTMLTextAreaElement>(null);
  const picked = attachments.value.filter((a) => a.key === key);
  const ready = text.trim() !== '' || picked.length > 0;
  useGrowing(area, text);
  useEffect(() => {
    // Not on a phone, where the keyboard would cover what one came to read.
    if (matchMedia('(pointer: fine)').matches) area.current?.focus();
  }, []);

  function type(value: string) {
    setText(value);
    drafts.set(key, value);
  }

  async function submit() {
    if (!ready || busy) return;
    if (new TextEncoder().encode(text).length > textLimit) {
      notify('err_too_large');
      return;
    }
    mended('err_too_large', 'err_file_too_large', 'err_upload');
    const typed = text.trim();
    type('');
    setBusy(picked.length > 0);
    if (!(await sendWith(c, typed))) type(typed);
    setBusy(false);
    area.current?.focus();
  }

  return (
    <form
      class="composer"
      onSubmit={(e) => {
        e.preventDefault();
        void submit();
      }}
    >
      {picked.length > 0 && <Picked files={picked} />}
      <AttachButton onPick={(files) => pick(c, files)} />
      <textarea
        ref={area}
        data-testid="composer"
        rows={1}
        aria-label={t('message_to', { name: c.name })}
        placeholder={t('message_to', { name: c.name })}
        value={text}
        onInput={(e) => type(e.currentTarget.value)}
        onKeyDown={(e) => {
          // An Enter that ends the composition of 汉字 does not send.
          if (e.key !== 'Enter' || e.shiftKey || e.isComposing) return;
          e.preventDefault();
          void submit();
        }}
        onPaste={(e) => {
          const files = e.clipboardData?.files;
          if (!files?.length) return;
          e.preventDefault();
          pick(c, files);
        }}
      />
      <button class="icon-button send" data-testid="send" aria-label={t('send')} title={t('send')} disabled={!ready || busy}>
        <Icon name="send" />
      </button>
    </form>
  );
}

function AttachButton({ onPick }: { onPick: (files: FileList) => void }) {
  return (
    <label class="icon-button attach" title={t('attach')}>
      <Icon name="attach" />
      <input
        type="file"
        multiple
        data-testid="attach"
        aria-label={t('attach')}
        onChange={(e) => {
          if (e.currentTarget.files) onPick(e.currentTarget.files);
          e.currentTarget.value = '';
        }}
      />
    </label>
  );
}

function Picked({ files }: { files: readonly Attachment[] }) {
  return (
    <ul class="picked">
      {files.map((a) => (
        <li key={a.id} data-testid="attachment" style={{ '--progress': a.progress }}>
          {a.preview ? <img src={a.preview} alt="" /> : <Icon name="file" />}
          <span class="name">
            <span class="ellipsis">{a.file.name}</span>
            <small class="muted">{a.progress < 1 ? t('uploading', { percent: Math.round(a.progress * 100) }) : byteCount(a.file.size)}</small>
          </span>
          <button type="button" class="icon-button" aria-label={t('remove_file', { name: a.file.name })} onClick={() => drop(a.id)}>
            <Icon name="close" />
          </button>
        </li>
      ))}
    </ul>
  );
}

/** Lets the field grow with its text; CSS says how far. */
function useGrowing(area: { current: HTMLTextAreaElement | null }, text: string) {
  useLayoutEffect(() => {
    const el = area.current;
    if (!el) return;
    el.style.height = 'auto';
    el.style.height = `${el.scrollHeight + 2}px`;
  }, [area, text]);
}
