import { useState } from 'preact/hooks';
import { go } from '../../chat/route';
import { me, request } from '../../session/session';
import { t } from '../../text';
import { Icon } from '../Icon';
import { mended, notify, notifyFailure } from '../notice';

/** Opens the chat with whoever has the account typed. */
export function FindPerson() {
  const [typed, setTyped] = useState('');
  async function find(event: Event) {
    event.preventDefault();
    const id = typed.trim();
    if (!id) return;
    if (id === me.value) {
      notify('err_that_is_you');
      return;
    }
    try {
      await request({ message_type: 'profile', type: 'GET', friends: id });
      mended('err_no_person', 'err_that_is_you');
      setTyped('');
      go({ kind: 'pair', id });
    } catch (error) {
      notifyFailure(error, { 404: 'err_no_person', 400: 'err_no_person' }, { id });
    }
  }
  return (
    <form role="search" onSubmit={find}>
      <input data-testid="find-person" type="search" aria-label={t('find_person_label')} placeholder={t('find_person')} value={typed} autocapitalize="none" autocomplete="off"
        spellcheck={false} maxLength={100} onInput={(e) => setTyped(e.currentTarget.value)} />
      <button class="icon-button" aria-label={t('open_chat')} title={t('open_chat')}>
        <Icon name="find" />
      </button>
    </form>
  );
}
