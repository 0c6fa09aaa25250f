// Calls in all the networks that people have: node networks/run.mjs [--smoke] [ROW...]. One table at the end; a row that fails tells more above it.
import { binary } from '../lib/server.mjs';
import { whyNot } from './lab.mjs';
import { playRow } from './play.mjs';
import { early, ROWS, SMOKE } from './rows.mjs';
import { table, verdict } from './table.mjs';

/** @typedef {import('./rows.mjs').Row} Row */

const [names, smoke] = [process.argv.slice(2).filter((arg) => arg !== '--smoke'), process.argv.includes('--smoke')];

/** The rows that were asked for. @returns {Row[]} */
function chosen() {
  const unknown = names.filter((name) => !ROWS.some((row) => row.name === name));
  if (unknown.length) throw new Error(`no row is called ${unknown.join(' or ')}; there are: ${ROWS.map((row) => row.name).join(', ')}`);
  if (names.length) return ROWS.filter((row) => names.includes(row.name));
  if (!smoke) return ROWS;
  const few = ROWS.filter((row) => SMOKE.includes(row.name));
  for (const row of few.filter(early)) console.log(`left out: ${row.name} (${row.title}) needs what the server does not do yet`);
  return few.filter((row) => !early(row));
}

/** Everything of a failure that helps: its causes too. @param {unknown} failure @returns {string} */
const tell = (failure) => (failure instanceof Error ? failure.message + (failure.cause ? `\n  because ${tell(failure.cause)}` : '') : `${failure}`);

const why = await whyNot();
if (why) {
  console.log(`calls across networks were left out: ${why}`);
  // Inside other tests that is no failure; who asks for them wants them.
  process.exit(smoke ? 0 : 1);
}
binary();

/** Ctrl-C under npm comes twice, from the terminal and from npm: only what comes this much later, in ms, is a person who insists. */
const SAME = 1000;
const stop = new AbortController();
let asked = 0;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    if (stop.signal.aborted) {
      if (performance.now() - asked > SAME) process.exit(130); // the namespaces are still removed
      return;
    }
    asked = performance.now();
    console.log(`${signal}: clearing away`);
    stop.abort();
  });
}

const outcomes = [];
for (const row of chosen()) {
  if (stop.signal.aborted) break;
  const outcome = await playRow(row, stop.signal);
  outcomes.push(outcome);
  console.log(`${row.name}: ${verdict(outcome)} in ${outcome.took.toFixed(0)} s; ${outcome.proofs ? 'proven' : 'proven only'}: ${outcome.proven.join('; ')}`);
  if (outcome.failure) console.log(`  ${tell(outcome.failure)}`);
}
console.log(`\n${table(outcomes)}`);
const good = outcomes.every((outcome) => ['pass', 'not yet'].includes(verdict(outcome)));
process.exit(stop.signal.aborted ? 130 : good ? 0 : 1);
