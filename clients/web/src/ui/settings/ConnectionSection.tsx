import { goConnection } from '../../chat/route';
import { t } from '../../text';
import { Section } from './Section';

/** The way to the test of one's connection. */
export function ConnectionSection() {
  return (
    <Section title="calls">
      <button type="button" data-testid="connection-test" onClick={goConnection}>{t('connection_test')}</button>
    </Section>
  );
}
