import { useEffect, useState } from 'preact/hooks';
import { fetchDevices, revoke, type Device } from '../../people/account';
import { connection } from '../../session/session';
import { t } from '../../text';
import { lately } from '../../text/when';
import { notifyFailure } from '../notice';
import { Section } from './Section';

/** Where one is logged in, and logging out there. */
export function Devices() {
  const [devices, setDevices] = useState<readonly Device[]>([]);
  const online = connection.value === 'open';
  const refresh = () => fetchDevices().then(setDevices, () => undefined);
  useEffect(() => {
    if (online) void refresh();
  }, [online]);
  const logOut = (d: Device) => revoke(d.session).then(refresh, notifyFailure);
  return (
    <Section title="devices">
      <ul class="devices">
        {devices.map((d) => (
          <li key={d.session} data-testid="device" data-current={d.current ? 'yes' : 'no'}>
            <div>
              <strong>{d.current ? t('device_this') : d.device || t('device_plain')}</strong>
              <p class="muted"><small>{describe(d)}</small></p>
            </div>
            {!d.current && (
              <button type="button" class="danger quiet" data-testid="device-revoke" aria-label={t('device_revoke_of', { device: d.device || t('device_plain') })} onClick={() => void logOut(d)}>
                {t('device_revoke')}
              </button>
            )}
          </li>
        ))}
      </ul>
    </Section>
  );
}

function describe(d: Device): string {
  const seen = d.online ? t('device_online') : d.last_seen ? t('last_seen', { when: lately(d.last_seen) }) : '';
  return [d.current ? d.device : '', seen, d.create_time ? t('device_since', { when: lately(d.create_time) }) : ''].filter(Boolean).join(' · ');
}
