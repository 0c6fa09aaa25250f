import { t } from '../../text';
import { consent, turnOff, turnOn } from '../notifications';
import { Section } from './Section';

/** Notifications of the system: asked for here, and nowhere else. */
export function NotificationSection() {
  const texts = { none: 'notifications_none', denied: 'notifications_denied' } as const;
  const state = consent.value;
  return (
    <Section title="notifications">
      <p class="muted">{t('notifications_hint')}</p>
      {state === 'none' || state === 'denied' ? (
        <p data-testid="notifications-state">{t(texts[state])}</p>
      ) : (
        <button type="button" data-testid="notifications" data-state={state} onClick={() => (state === 'on' ? turnOff() : void turnOn())}>
          {t(state === 'on' ? 'notifications_off' : 'notifications_on')}
        </button>
      )}
    </Section>
  );
}
