import { useState } from 'preact/hooks';
import { enterCall } from '../../call/active';
import { active } from '../../call/state';
import { comeIn, visit, visitOver, type Visit } from '../../session/guest';
import { ready } from '../../session/session';
import { t } from '../../text';
import { LanguageButton } from '../LanguageButton';
import { explain } from '../notice';
import { CallPeople } from './CallPeople';
import { CallView } from './CallView';

/** What somebody sees who came by a link into a call: a name to give, the call, and its end. */
export function GuestPage() {
  if (active.value) {
    return (
      <main class="guest-call">
        <CallView />
        <CallPeople />
      </main>
    );
  }
  return (
    <main class="sign-in" data-testid="guest-page">
      {visit.value ? <Left v={visit.value} /> : <Door />}
    </main>
  );
}

/** A call looks the same to a guest; its name is that of who let them in. */
function enter({ connection_key, kind, host }: Visit): Promise<void> {
  return enterCall({ connection_key, kind, target: { kind: 'group', id: host } });
}

function Door() {
  const [name, setName] = useState('');
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState('');

  async function submit(event: Event) {
    event.preventDefault();
    if (!name.trim() || busy) return;
    setBusy(true);
    setFault('');
    try {
      const v = await comeIn(name.trim());
      await ready();
      await enter(v);
    } catch (error) {
      const [key, params] = explain(error, { 400: 'err_guest_name', 404: 'err_guest_link', 413: 'err_guest_name', 503: 'err_guests_full' });
      setFault(t(key, params));
    }
    setBusy(false);
  }

  return (
    <form onSubmit={submit} noValidate>
      <img src="/icon.svg" alt="" width="56" height="56" />
      <h1>{t('guest_title')}</h1>
      <p class="muted">{t(visitOver.value ? 'guest_over' : 'guest_hint')}</p>
      <label>
        <span>{t('guest_name')}</span>
        <input data-testid="guest-name" name="name" autocomplete="name" maxLength={50} required value={name} onInput={(e) => setName(e.currentTarget.value)} />
      </label>
      <p class="fault" role="alert" {...(fault ? { 'data-testid': 'notice' } : {})}>
        {fault}
      </p>
      <button class="primary" data-testid="guest-join" disabled={busy || !name.trim()}>
        {t('join')}
      </button>
      <button type="button" class="quiet" onClick={() => location.assign('/')}>{t('guest_log_in')}</button>
      <LanguageButton />
    </form>
  );
}

/** Who has left may come back while the call goes on. */
function Left({ v }: { v: Visit }) {
  return (
    <form onSubmit={(e) => e.preventDefault()}>
      <img src="/icon.svg" alt="" width="56" height="56" />
      <h1>{t('guest_left', { name: v.host })}</h1>
      <button type="button" class="primary" data-testid="guest-again" onClick={() => void enter(v)}>
        {t('guest_again')}
      </button>
      <LanguageButton />
    </form>
  );
}
