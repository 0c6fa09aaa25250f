// The findings as plain text, for whoever can mend what they name. No account, no credentials, no address of this device.
import { t } from '../text';
import type { Run } from './check';
import { isFault, type Finding } from './judge';

/** What was found, in words: the second part says what to do, and is empty where nothing is. */
export function wordsOf({ cause, params }: Finding): [string, string] {
  return [t(`found_${cause}`, params), isFault(cause) ? t(`found_${cause}_do`, params) : ''];
}

/** The report of a run. `origin` and `agent` say where it was made. */
export function reportOf({ findings, verdict, began }: Run, origin: string, agent: string): string {
  const head = [`NeoChat: ${t('connection_test')}`, began.toISOString(), origin, agent, verdict ? `=> ${t(`verdict_${verdict}`)} [${verdict}]` : t('connection_going')];
  const lines = findings.map((finding) => {
    const [found, advice] = wordsOf(finding);
    return `[${finding.state}] ${t(`check_${finding.check}`)} (${finding.cause}): ${found}${advice && `\n    ${advice}`}`;
  });
  return [...head, '', ...lines, ''].join('\n');
}
