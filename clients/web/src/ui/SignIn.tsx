import { useState } from 'preact/hooks';
import { statOf } from '../wire/failure';
import { forgetInvitation, invitationIn } from '../session/invitation';
import { enterWith, signUp } from '../session/session';
import { t, type TextKey } from '../text';
import { LanguageButton } from './LanguageButton';
import { explain } from './notice';

const accountForm = /^[A-Za-z0-9+._@-]{1,100}$/;

interface Fault {
  key: TextKey;
  params: Record<string, string | number>;
}

/** Sign-up and log-in. An invitation link opens the sign-up with its code. */
export function SignIn() {
  const [code] = useState(() => invitationIn(location.hash));
  const [isNew, setNew] = useState(code !== '');
  const [account, setAccount] = useState('');
  const [password, setPassword] = useState('');
  const [invite, setInvite] = useState(code);
  const [invited, setInvited] = useState(code !== '');
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<Fault | undefined>(undefined);

  async function submit(event: Event) {
    event.preventDefault();
    const wrong = isNew ? formFault(account, password) : undefined;
    if (wrong) {
      setFault({ key: wrong, params: {} });
      return;
    }
    setBusy(true);
    setFault(undefined);
    try {
      await (isNew ? signUp(account.trim(), password, invite.trim()) : enterWith(account.trim(), password));
      forgetInvitation();
    } catch (error) {
      setFault(faultOf(error, isNew));
      setInvited(isNew && (invite !== '' || statOf(error) === 403));
      setBusy(false);
    }
  }

  return (
    <main class="sign-in">
      <form onSubmit={submit} noValidate>
        <img src="/icon.svg" alt="" width="56" height="56" />
        <h1>NeoChat</h1>
        <p class="muted">{t('tagline')}</p>
        <label>
          <span>{t('account')}</span>
          <input data-testid="auth-account" name="username" autocomplete="username" autocapitalize="none" spellcheck={false} maxLength={100} required
            value={account} onInput={(e) => setAccount(e.currentTarget.value)} />
          <small>{isNew ? t('account_hint') : ' '}</small>
        </label>
        <label>
          <span>{t('password')}</span>
          <input data-testid="auth-password" name="password" type="password" autocomplete={isNew ? 'new-password' : 'current-password'} required
            value={password} onInput={(e) => setPassword(e.currentTarget.value)} />
          <small>{isNew ? t('password_hint') : ' '}</small>
        </label>
        {isNew && invited && (
          <label>
            <span>{t('invitation')}</span>
            <input data-testid="auth-invite" autocapitalize="none" autocomplete="off" spellcheck={false} maxLength={100} value={invite} onInput={(e) => setInvite(e.currentTarget.value)} />
          </label>
        )}
        <p class="fault" role="alert" {...(fault ? { 'data-testid': 'notice' } : {})}>
          {fault && t(fault.key, fault.params)}
        </p>
        <button class="primary" data-testid="auth-submit" disabled={busy || !account.trim() || !password}>
          {isNew ? t('sign_up') : t('log_in')}
        </button>
        <button type="button" class="quiet" data-testid="auth-switch" onClick={() => { setNew(!isNew); setFault(undefined); }}>
          {isNew ? t('to_log_in') : t('to_sign_up')}
        </button>
        <LanguageButton />
      </form>
    </main>
  );
}

function formFault(account: string, password: string): TextKey | undefined {
  if (!accountForm.test(account.trim())) return 'err_account_form';
  if (new TextEncoder().encode(password).length < 8) return 'err_password_form';
  return undefined;
}

function faultOf(error: unknown, isNew: boolean): Fault {
  const wrong = { 401: 'err_wrong_password', 404: 'err_wrong_password', 400: 'err_wrong_password' } as const;
  const [key, params] = explain(error, isNew ? { 409: 'err_account_taken', 403: 'err_closed' } : wrong);
  return { key: statOf(error) === 403 && !isNew ? 'err_forbidden' : key, params: { ...params } };
}
