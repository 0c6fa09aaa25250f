import { checkDevices } from '../../call/before';
import { active } from '../../call/state';
import { goConnection } from '../../chat/route';
import { t } from '../../text';
import { Section } from './Section';

/** The ways to the tests of one's connection and devices. */
export function ConnectionSection() {
  return (
    <Section title="calls">
      <div class="row wraps">
        <button type="button" data-testid="connection-test" onClick={goConnection}>{t('connection_test')}</button>
        <button type="button" data-testid="check-devices" disabled={!!active.value} onClick={() => void checkDevices()}>{t('devices_title')}</button>
      </div>
    </Section>
  );
}
