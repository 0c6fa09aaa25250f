// What came of the rows, as one table.
import { early } from './rows.mjs';

/** @typedef {import('./play.mjs').Outcome} Outcome */

/**
 * What an outcome means. `not yet`: it failed, its network held, and the server does not do yet what it needs. `too good`: it passed though it should not yet.
 * @typedef {'pass' | 'FAIL' | 'not yet' | 'TOO GOOD'} Verdict
 */

/** @param {Outcome} outcome @returns {Verdict} */
export function verdict({ row, proofs, failure }) {
  if (!failure) return early(row) ? 'TOO GOOD' : 'pass';
  return early(row) && proofs ? 'not yet' : 'FAIL';
}

/** @param {import('../page/paths.mjs').Path | undefined} path @returns {string[]} */
const cells = (path) => (path?.way ? [Number.isNaN(path.took) ? '' : `${Math.round(path.took)} ms`, `${path.way} to ${path.remote}`] : path ? ['', path.state] : ['', '']);

/** @param {Outcome[]} outcomes @returns {string} */
export function table(outcomes) {
  const lines = [
    ['row', 'result', 'ann', 'her media', 'ben', 'his media', 'all took', ''],
    ...outcomes.map((outcome) => [
      outcome.row.name, verdict(outcome), ...cells(outcome.paths[0]), ...cells(outcome.paths[1]), `${outcome.took.toFixed(0)} s`,
      outcome.note || (outcome.failure ? '' : outcome.row.title),
    ]),
  ];
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  return lines.map((line) => line.map((cell, column) => cell.padEnd(widths[column])).join('  ').trimEnd()).join('\n');
}
