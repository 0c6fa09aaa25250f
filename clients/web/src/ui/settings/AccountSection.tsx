import { useEffect, useState } from 'preact/hooks';
import { deleteAccount, fetchUsage } from '../../people/account';
import { connection, forget } from '../../session/session';
import { t } from '../../text';
import { Fault } from '../chat/NewGroupDialog';
import { explain, notify } from '../notice';
import { Section } from './Section';

/** What one may do here, and the end of the account. */
export function AccountSection() {
  const [operator, setOperator] = useState(false);
  const [ending, setEnding] = useState(false);
  const online = connection.value === 'open';
  useEffect(() => {
    if (online) fetchUsage().then((usage) => setOperator(usage.operator), () => undefined);
  }, [online]);
  return (
    <Section title="your_account">
      {operator && <p>{t('is_operator')}</p>}
      {ending ? <EndForm onClose={() => setEnding(false)} /> : <button type="button" class="danger quiet" data-testid="delete-account" onClick={() => setEnding(true)}>{t('delete_account')}</button>}
    </Section>
  );
}

function EndForm({ onClose }: { onClose: () => void }) {
  const [password, setPassword] = useState('');
  const [fault, setFault] = useState('');
  async function submit(event: Event) {
    event.preventDefault();
    try {
      await deleteAccount(password);
      forget();
      notify('note_account_deleted', {}, 'status');
    } catch (error) {
      const [key, params] = explain(error, { 404: 'err_present_password' });
      setFault(t(key, params));
    }
  }
  return (
    <form class="stack" onSubmit={submit}>
      <p>{t('delete_account_ask')}</p>
      <label>
        <span>{t('present_password')}</span>
        <input data-testid="delete-password" type="password" autocomplete="current-password" required autofocus value={password} onInput={(e) => setPassword(e.currentTarget.value)} />
      </label>
      <Fault text={fault} />
      <div class="row">
        <button class="danger" data-testid="delete-confirm" disabled={!password}>{t('delete_account_confirm')}</button>
        <button type="button" onClick={onClose}>{t('cancel')}</button>
      </div>
    </form>
  );
}
