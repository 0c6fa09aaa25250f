// Plays one row: network, proofs, server, scene, and nothing left behind.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { ANN, BEN, CLEO } from '../lib/people.mjs';
import { startServer } from '../lib/server.mjs';
import { assertNobodyLeft, keepEvidence, MARK } from '../lib/stage.mjs';
import { callWithMedia, callWithoutMedia } from './call.mjs';
import { openFarTab } from './far.mjs';
import { openLab } from './lab.mjs';
import { callOnANarrowLine } from './narrow.mjs';
import { stunOf } from './probes.mjs';
import { early } from './rows.mjs';

/** @typedef {import('./rows.mjs').Row} Row */
/** @typedef {import('../lib/stage.mjs').Actor} Actor */
/** @typedef {import('./topology.mjs').Network} Network */

/**
 * @typedef {object} Outcome
 * @property {Row} row
 * @property {string[]} proven what the proofs saw
 * @property {boolean} proofs all of them held
 * @property {import('../page/paths.mjs').Path[]} paths how media went, for each side
 * @property {string} note what else there is to say
 * @property {unknown} [failure]
 * @property {number} took s
 */

/**
 * @typedef {object} Play  A row being played.
 * @property {Row} row
 * @property {{tcp: number, udp: number}} ports
 * @property {NodeJS.ProcessEnv} env
 * @property {Outcome} outcome
 * @property {Actor[]} actors
 * @property {{name: string, output: () => string}[]} logs
 * @property {() => Promise<void>} closeServer what else there is ends with the laboratory
 */

const LIMIT = 240_000; // ms; a row takes 10 to 60 s when nothing else runs

/** Starts the server in its namespace and waits until it accepts connections. @param {Play} play @param {Network} network */
async function serve(play, { server }) {
  const { row, ports, env, logs } = play;
  const flags = ['--listen', `:${ports.tcp}`, '--media-port', `${ports.udp}`, '--registration', 'open', ...(row.flags ?? [])];
  const started = startServer(env, flags, server.inside);
  play.closeServer = started.close;
  logs.push({ name: 'server', output: started.output });
  let ended = '';
  void started.ended.then((why) => (ended = why));
  const agent = await server.agent();
  while (!(await agent.call('accepts', { host: '127.0.0.1', port: ports.tcp }))) {
    if (ended) throw new Error(ended);
    await pause(50);
  }
}

/** Puts a person in front of a browser in a client's namespace. @param {Play} play @param {Network} network @param {number} n @returns {Promise<Actor>} */
async function seat({ row, ports, actors }, network, n) {
  const { space, server, name, page } = network.clients[n];
  const agent = await space.agent();
  const kind = row.browsers?.[n] ?? 'chromium';
  // Certificates go with names; and Firefox passes over a TURN server that is to be reached over TLS by an address.
  const host = ((row.tls || page) && name) || (isIPv6(server) ? `[${server}]` : server);
  const { origin } = new URL(`${row.tls ? 'https' : 'http'}://${host}:${page ?? ports.tcp}`);
  const trust = row.tls ? { spki: await agent.call('keyOf', { host: server, port: ports.tcp }) } : { origin };
  const person = { ...[ANN, BEN, CLEO][n], trust, keepsCallsOff: n === 0 && row.keepsCallsOff, grain: row.scene === 'narrow' };
  const actor = { ...person, tab: await openFarTab(agent, kind, person), url: origin };
  actors.push(actor);
  return actor;
}

/** One TCP port of the server listens and one UDP port is bound. @param {Play} play @param {Network} network */
async function assertOnePort({ ports }, { server }) {
  const bound = await (await server.agent()).call('boundPorts');
  assert.deepEqual(bound, { tcp: [ports.tcp], udp: [ports.udp] }, 'the ports that the server has taken');
}

/** Two people call each other. @param {Play} play @param {Network} network */
async function call(play, network) {
  const [ann, ben] = [await seat(play, network, 0), await seat(play, network, 1)];
  const { row, outcome } = play;
  const onePort = () => assertOnePort(play, network);
  outcome.paths = row.scene === 'call' ? await callWithMedia(ann, ben, row.ways ?? [/./, /./], onePort) : await callWithoutMedia(ann, ben, row.told ?? '');
}

/** Three people call each other, and the line of one becomes narrow. @param {Play} play @param {Network} network */
async function narrow(play, network) {
  if (!network.line) throw new Error('no line here can be made narrow');
  const actors = [];
  for (const n of network.clients.keys()) actors.push(await seat(play, network, n));
  play.outcome.note = await callOnANarrowLine(actors, network.line);
}

/** Somebody tries every port. @param {Play} play @param {Network} network */
async function ports(play, network) {
  const { space, server } = network.clients[0];
  const found = await (await space.agent()).call('scan', server);
  assert.deepEqual({ open: found.open, silent: found.silent }, { open: [play.ports.tcp], silent: [] }, `the TCP ports of ${server} as ${space.role} sees them`);
  assert.equal(found.refused, 65534);
  await assertOnePort(play, network);
  play.outcome.note = `TCP: ${found.open} open, ${found.refused} refused; UDP bound: ${play.ports.udp}`;
}

/** A STUN server on the internet, until the row is over. @param {Network} network */
async function serveSTUN({ observer }) {
  if (!observer) throw new Error('there is nobody on this internet to be a STUN server');
  await (await observer.space.agent()).call('serveSTUN', stunOf(observer));
}

/** Network, proofs, server, scene. @param {Play} play @param {import('./lab.mjs').Lab} lab */
async function act(play, lab) {
  const { row, outcome } = play;
  const network = await row.topology(lab, play.ports);
  for (const proof of row.proofs) outcome.proven.push(await proof(network, play.ports));
  outcome.proofs = true;
  if (row.stun) await serveSTUN(network);
  await serve(play, network);
  await ({ ports, narrow }[/** @type {string} */ (row.scene)] ?? call)(play, network);
}

/**
 * Plays a row. It never throws: what went wrong is in the outcome.
 * @param {Row} row @param {AbortSignal} stop ends it early @returns {Promise<Outcome>}
 */
export async function playRow(row, stop) {
  const mark = randomUUID();
  const start = performance.now();
  /** @type {Play} */
  const play = {
    row, ports: row.ports ?? { tcp: 8080, udp: 8080 }, env: { ...process.env, [MARK]: mark },
    outcome: { row, proven: [], proofs: false, paths: [], note: '', took: 0 }, actors: [], logs: [], closeServer: () => Promise.resolve(),
  };
  const { outcome, actors, logs } = play;
  const lab = openLab(play.env);
  const timer = new AbortController();
  const limit = pause(LIMIT, undefined, { signal: AbortSignal.any([timer.signal, stop]) })
    .then(() => Promise.reject(new Error(`not done after ${LIMIT / 1000} s`)), () => Promise.reject(new Error('stopped')));
  limit.catch(() => {});
  try {
    await Promise.race([act(play, lab), limit]);
  } catch (failure) {
    outcome.failure = failure;
    if (actors.length && !stop.aborted && !early(row)) outcome.note = `evidence in ${await keepEvidence(actors, logs)}`;
  } finally {
    timer.abort();
    await play.closeServer();
    await lab.close();
  }
  await assertNobodyLeft(mark).catch((error) => (outcome.failure ??= error));
  outcome.took = (performance.now() - start) / 1000;
  return outcome;
}
