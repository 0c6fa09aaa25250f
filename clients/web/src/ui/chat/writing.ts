import { useEffect, useLayoutEffect, useState } from 'preact/hooks';
import { edit } from '../../chat/actions';
import { picked as pickedFor, sendWith } from '../../chat/attachments';
import { draftOf, setDraft, stopAside, type Draft } from '../../chat/draft';
import { members } from '../../chat/groups';
import { keyOf, type Conversation } from '../../chat/line';
import { compose, decompose, mentionsIn } from '../../chat/markup';
import { tellTyping } from '../../chat/typing';
import { mended, notify, notifyFailure } from '../notice';

/** The limit of a text, bytes. */
const textLimit = 16 * 1024;

interface Area {
  readonly current: HTMLTextAreaElement | null;
}

/** What is being written in a conversation, and what sending it does. */
export function useWriting(c: Conversation, area: Area) {
  const key = keyOf(c);
  const draft = draftOf(key);
  const [busy, setBusy] = useState(false);
  const picked = pickedFor(c);
  const ready = draft.text.trim() !== '' || (picked.length > 0 && !draft.edit);
  useGrowing(area, draft.text);
  useEffect(() => {
    // Not on a phone, where the keyboard would cover what one came to read, nor where one came to a certain message.
    const free = matchMedia('(pointer: fine)').matches && !document.activeElement?.matches('.message');
    if (draft.reply ?? draft.edit ?? free) area.current?.focus();
  }, [area, draft.reply, draft.edit]);

  function type(text: string) {
    setDraft(key, { text });
    tellTyping(c, text.trim() !== '');
  }

  async function submit() {
    if (!ready || busy) return;
    if (new TextEncoder().encode(draft.text).length > textLimit) {
      notify('err_too_large');
      return;
    }
    mended('err_too_large', 'err_folder');
    if (draft.edit) {
      setBusy(true);
      await saveEdit(c, draft);
      setBusy(false);
    } else sendText(c, draft);
    area.current?.focus();
  }

  return { key, draft, picked, ready, busy, type, submit };
}

/** Whom a text mentions, of those it can mean. */
function mentioned(c: Conversation, text: string): string[] {
  return c.kind === 'group' ? mentionsIn(text, (members.value.get(c.id) ?? []).map((m) => m.user_account)) : [];
}

function sendText(c: Conversation, { text, reply }: Draft) {
  setDraft(keyOf(c), { text: '', reply: undefined });
  tellTyping(c, false);
  sendWith(c, text.trim(), { reply_to: reply?.message_id, mentions: mentioned(c, text) });
}

async function saveEdit(c: Conversation, { text, edit: line }: Draft): Promise<void> {
  if (!line) return;
  const typed = text.trim();
  try {
    await edit(c.conversation, line, compose(typed, decompose(line.text).names), mentioned(c, typed));
    stopAside(keyOf(c));
    tellTyping(c, false);
  } catch (error) {
    notifyFailure(error, { 403: 'err_not_yours', 404: 'err_message_gone' });
  }
}

/** Lets the field grow with its text; CSS says how far. */
function useGrowing(area: Area, text: string) {
  useLayoutEffect(() => {
    const el = area.current;
    if (!el) return;
    el.style.height = 'auto';
    el.style.height = `${el.scrollHeight + 2}px`;
  }, [area, text]);
}
