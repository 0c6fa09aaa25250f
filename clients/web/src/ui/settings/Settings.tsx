import { goHome } from '../../chat/route';
import { leave } from '../../session/session';
import { t } from '../../text';
import { Icon } from '../Icon';
import { notifyFailure } from '../notice';
import { AccountSection } from './AccountSection';
import { ConnectionSection } from './ConnectionSection';
import { Devices } from './Devices';
import { NotificationSection } from './NotificationSection';
import { PasswordForm } from './PasswordForm';
import { Privacy } from './Privacy';
import { ProfileForm } from './ProfileForm';
import { Storage } from './Storage';

/** Everything about oneself, on one page. */
export function Settings() {
  return (
    <main class="chat settings" data-testid="settings-page">
      <header class="bar">
        <button type="button" class="icon-button" data-testid="back" aria-label={t('back')} onClick={goHome}>
          <Icon name="back" />
        </button>
        <h1>{t('settings')}</h1>
        <button type="button" class="quiet with-logo" data-testid="logout" onClick={() => leave().catch(notifyFailure)}>
          <Icon name="logOut" />
          {t('log_out')}
        </button>
      </header>
      <div class="settings-body" tabIndex={0} role="region" aria-label={t('settings')}>
        <ProfileForm />
        <Privacy />
        <NotificationSection />
        <ConnectionSection />
        <Storage />
        <Devices />
        <PasswordForm />
        <AccountSection />
      </div>
    </main>
  );
}
