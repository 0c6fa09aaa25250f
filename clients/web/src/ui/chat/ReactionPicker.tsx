import { signal } from '@preact/signals';
import { useState } from 'preact/hooks';
import { react } from '../../chat/actions';
import type { Conversation, Line } from '../../chat/line';
import { isReaction } from '../../chat/reactions';
import { t } from '../../text';
import { Dialog } from '../Dialog';
import { notifyFailure } from '../notice';
import { Fault } from './NewGroupDialog';

const chosen = signal<{ line: Line; c: Conversation } | undefined>(undefined);

const offered = '👍 👎 ❤️ 🔥 🎉 👏 🙏 💪 😀 😂 🥰 😉 🤔 😮 😢 😡 👀 ✅ ❌ ❓ 💯 🚀 ☕ 🌹'.split(' ');

/** Lets one choose any reaction to a message. */
export function reactingTo(line: Line, c: Conversation): void {
  chosen.value = { line, c };
}

/** Any emoji, of the common ones or typed. */
export function ReactionPicker() {
  const [typed, setTyped] = useState('');
  const [fault, setFault] = useState('');
  if (!chosen.value) return null;
  const { line, c } = chosen.value;
  const close = () => {
    chosen.value = undefined;
    setTyped('');
    setFault('');
  };
  const add = (reaction: string) => {
    close();
    react(c.conversation, line, reaction, true).catch((error: unknown) => notifyFailure(error, { 404: 'err_message_gone' }));
  };
  return (
    <Dialog title={t('react')} testid="reaction-picker" onClose={close}>
      <div class="emoji-grid">
        {offered.map((reaction) => (
          <button key={reaction} type="button" class="icon-button" aria-label={t('react_with', { reaction })} onClick={() => add(reaction)}>
            {reaction}
          </button>
        ))}
      </div>
      <form
        class="row"
        onSubmit={(e) => {
          e.preventDefault();
          if (isReaction(typed.trim())) add(typed.trim());
          else setFault(t('err_reaction'));
        }}
      >
        <input data-testid="reaction-field" aria-label={t('react_field')} placeholder={t('react_field')} value={typed} autocomplete="off" onInput={(e) => setTyped(e.currentTarget.value)} />
        <button class="primary" data-testid="reaction-add">{t('react')}</button>
      </form>
      <Fault text={fault} />
    </Dialog>
  );
}
