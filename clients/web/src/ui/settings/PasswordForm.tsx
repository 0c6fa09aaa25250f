import { useState } from 'preact/hooks';
import { changePassword } from '../../session/session';
import { t } from '../../text';
import { Fault } from '../chat/NewGroupDialog';
import { explain, notify } from '../notice';
import { Section } from './Section';

/** Changes the password; all other devices are logged out by it. */
export function PasswordForm() {
  const [present, setPresent] = useState('');
  const [fresh, setFresh] = useState('');
  const [fault, setFault] = useState('');
  const [busy, setBusy] = useState(false);

  async function submit(event: Event) {
    event.preventDefault();
    if (new TextEncoder().encode(fresh).length < 8) {
      setFault(t('err_password_form'));
      return;
    }
    setBusy(true);
    try {
      await changePassword(present, fresh);
      setPresent('');
      setFresh('');
      setFault('');
      notify('password_changed', {}, 'status');
    } catch (error) {
      const [key, params] = explain(error, { 404: 'err_present_password', 400: 'err_password_form' });
      setFault(t(key, params));
    }
    setBusy(false);
  }

  return (
    <Section title="change_password">
      <form class="stack" onSubmit={submit}>
        <div class="columns">
          <label>
            <span>{t('present_password')}</span>
            <input data-testid="password-present" type="password" autocomplete="current-password" required value={present} onInput={(e) => setPresent(e.currentTarget.value)} />
          </label>
          <label>
            <span>{t('new_password')}</span>
            <input data-testid="password-new" type="password" autocomplete="new-password" required value={fresh} onInput={(e) => setFresh(e.currentTarget.value)} />
          </label>
        </div>
        <Fault text={fault} />
        <div class="row">
          <button class="primary" data-testid="password-change" disabled={busy || !present || !fresh}>{t('change')}</button>
        </div>
      </form>
    </Section>
  );
}
