import { useState } from 'preact/hooks';
import { goSettings } from '../../chat/route';
import { run, running, test } from '../../connection/check';
import { checks, type Finding, type State, type Verdict } from '../../connection/judge';
import { reportOf, wordsOf } from '../../connection/report';
import { t, type TextKey } from '../../text';
import { whole } from '../call/NoMedia';
import { ReturnToCall } from '../call/ReturnToCall';
import { Icon, type IconName } from '../Icon';

const icons: Record<State, IconName> = { ok: 'check', note: 'info', skip: 'more', warn: 'info', fail: 'close' };

/** “Test my connection”: whether calls work from here, and what to change if not. */
export function ConnectionPage() {
  const { findings = [], verdict } = run.value ?? {};
  const [said, setSaid] = useState<TextKey>('connection_copy_hint');
  const next = running.value ? checks.find((check) => !findings.some((f) => f.check === check)) : undefined;
  const start = () => {
    setSaid('connection_copy_hint');
    void test();
  };
  return (
    <main class="chat settings" data-testid="connection-page">
      <header class="bar">
        <button type="button" class="icon-button" data-testid="back" aria-label={t('back')} onClick={goSettings}>
          <Icon name="back" />
        </button>
        <h1>{t('connection_test')}</h1>
      </header>
      <ReturnToCall />
      <div class="settings-body" tabIndex={0} role="region" aria-label={t('connection_test')}>
        <section class="card">
          <p class="muted">{t('connection_hint')}</p>
          <div class="outcome" role="status">{verdict && <VerdictLine verdict={verdict} />}</div>
          <div class="row">
            <button type="button" class="primary" data-testid="connection-start" disabled={running.value} onClick={start}>
              {t(running.value ? 'connection_going' : run.value ? 'connection_again' : 'connection_start')}
            </button>
            {verdict && <button type="button" data-testid="connection-copy" onClick={() => void copy().then(setSaid)}>{t('connection_copy')}</button>}
          </div>
          {verdict && <small class="muted" role="status" data-testid="connection-copied">{t(said)}</small>}
        </section>
        {run.value && (
          <section class="card">
            <h2>{t('connection_findings')}</h2>
            <ul class="findings">
              {findings.map((finding) => <FindingLine key={finding.check} finding={finding} />)}
              {next && (
                <li class="finding" data-state="going">
                  <span class="mark"><Icon name="more" /></span>
                  <div><strong>{t(`check_${next}`)}</strong><p class="muted">{t('connection_going')}</p></div>
                </li>
              )}
            </ul>
          </section>
        )}
      </div>
    </main>
  );
}

const advised: Partial<Record<Verdict, TextKey>> = { relay: 'verdict_relay_do', maybe: 'verdict_maybe_do', none: 'verdict_none_do' };

function VerdictLine({ verdict }: { verdict: Verdict }) {
  const advice = advised[verdict];
  return (
    <div class="verdict" data-testid="connection-verdict" data-verdict={verdict}>
      <Icon name={verdict === 'none' ? 'close' : verdict === 'maybe' ? 'info' : 'check'} />
      <div>
        <h2>{t(`verdict_${verdict}`)}</h2>
        {advice && <p>{t(advice)}</p>}
      </div>
    </div>
  );
}

function FindingLine({ finding }: { finding: Finding }) {
  const { check, state, cause } = finding;
  const [found, advice] = wordsOf(finding);
  return (
    <li class="finding" data-testid="finding" data-check={check} data-state={state} data-cause={cause}>
      <span class="mark"><Icon name={icons[state]} /></span>
      <div>
        <strong>{t(`check_${check}`)}</strong> <small class="state">{t(`state_${state}`)}</small>
        <p>{whole(found)}</p>
        {advice && <p class="advice">{whole(advice)}</p>}
      </div>
    </li>
  );
}

/** Copies the report, and says whether that worked. */
async function copy(): Promise<TextKey> {
  // Plain http has no clipboard, whatever the types say.
  const clipboard = navigator.clipboard as Clipboard | undefined;
  if (!run.value || !clipboard) return 'connection_uncopied';
  return clipboard.writeText(reportOf(run.value, location.origin, navigator.userAgent)).then(() => 'connection_copied', () => 'connection_uncopied');
}
