import { useEffect, useState } from 'preact/hooks';
import { byteCount } from '../../chat/markup';
import { deleteAccount, fetchUsage, type Usage } from '../../people/account';
import { connection, forget } from '../../session/session';
import { t } from '../../text';
import { Fault } from '../chat/NewGroupDialog';
import { explain, notify } from '../notice';
import { Section } from './Section';

/** How much one stores, and the end of the account. */
export function AccountSection() {
  const [usage, setUsage] = useState<Usage | undefined>(undefined);
  const [ending, setEnding] = useState(false);
  const online = connection.value === 'open';
  useEffect(() => {
    if (online) fetchUsage().then(setUsage, () => undefined);
  }, [online]);
  return (
    <Section title="your_account">
      {usage?.operator && <p>{t('is_operator')}</p>}
      {usage && (
        <p class="muted" data-testid="usage">
          {usage.bytes_allowed > 0 ? t('bytes_of', { used: byteCount(usage.bytes_used), allowed: byteCount(usage.bytes_allowed) }) : t('bytes_used', { used: byteCount(usage.bytes_used) })}
        </p>
      )}
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
