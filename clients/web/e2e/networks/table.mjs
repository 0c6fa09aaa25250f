// What came of the rows, as one table.

/** @typedef {import('./play.mjs').Outcome} Outcome */

/**
 * What an outcome means. `not yet`: it failed, its network held, and the server does not do yet what it needs. `too good`: it passed though it should not yet.
 * @typedef {'pass' | 'FAIL' | 'not yet' | 'TOO GOOD'} Verdict
 */

/** @param {Outcome} outcome @param {string[]} missing features @returns {Verdict} */
export function verdict({ row, proofs, failure }, missing) {
  const early = row.needs?.some((feature) => missing.includes(feature));
  if (!failure) return early ? 'TOO GOOD' : 'pass';
  return early && proofs ? 'not yet' : 'FAIL';
}

/** @param {import('../page/paths.mjs').Path | undefined} path @returns {string[]} */
const cells = (path) => (path?.way ? [Number.isNaN(path.took) ? '' : `${Math.round(path.took)} ms`, `${path.way} to ${path.remote}`] : path ? ['', path.state] : ['', '']);

/** @param {Outcome[]} outcomes @param {string[]} missing features @returns {string} */
export function table(outcomes, missing) {
  const lines = [
    ['row', 'result', 'ann', 'her media', 'ben', 'his media', 'all took', ''],
    ...outcomes.map((outcome) => [
      outcome.row.name, verdict(outcome, missing), ...cells(outcome.paths[0]), ...cells(outcome.paths[1]), `${outcome.took.toFixed(0)} s`,
      outcome.note || (outcome.failure ? '' : outcome.row.title),
    ]),
  ];
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  return lines.map((line) => line.map((cell, column) => cell.padEnd(widths[column])).join('  ').trimEnd()).join('\n');
}
