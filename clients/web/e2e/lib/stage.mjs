// A stage for one scenario: opens what it asks for, keeps evidence when it fails, and leaves no process behind.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { openChromium, openFirefox } from './browsers.mjs';
import { binary, openServer } from './server.mjs';
import { openTerminal } from './terminal.mjs';

/** @typedef {import('./browsers.mjs').Person} Person */
/** @typedef {Person & {tab: import('./browsers.mjs').Tab, url: string}} Actor  A person in front of an open browser. */

/**
 * @typedef {object} Stage
 * @property {import('./server.mjs').Server} server
 * @property {(person: Person) => Promise<Actor>} chromium
 * @property {(actor: Actor, person: Person) => Promise<Actor>} beside  opens a page for somebody in the Chromium of somebody else: light, for those who only chat
 * @property {(person: Person) => Promise<Actor>} firefox
 * @property {(account: string, password: string, args: string[]) => Promise<import('./terminal.mjs').Terminal>} terminal
 * @property {(line: string) => void} note prints a line with the test's result
 */

/** The environment variable that all processes of one stage carry. */
export const MARK = 'E2E_STAGE';
const LIMIT = 180_000; // ms; a scenario takes 10 to 50 s when nothing else runs

/** Processes that carry the mark of one stage: all it started and all those started. @param {string} mark */
function processes(mark) {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && Number(pid) !== process.pid && readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`${MARK}=${mark}\0`);
    } catch {
      return false; // ended meanwhile, or not ours to read
    }
  });
}

/** Waits for stragglers, then insists. @param {string} mark */
export async function assertNobodyLeft(mark) {
  for (let i = 0; i < 100 && processes(mark).length; i++) await pause(100);
  const left = processes(mark).map((pid) => readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').slice(0, 120));
  assert.deepEqual(left, [], 'processes left behind');
}

/** Screenshots and logs, in a new folder whose name is returned. @param {Actor[]} actors @param {{name: string, output: () => string}[]} logs */
export async function keepEvidence(actors, logs) {
  const dir = mkdtempSync(join(tmpdir(), 'neochat-e2e-failure-'));
  for (const { name, output } of logs) writeFileSync(join(dir, `${name}.log`), output());
  for (const { account, tab } of actors) {
    writeFileSync(join(dir, `${account}.log`), tab.log.join('\n'));
    const html = tab.evaluate(() => document.documentElement.outerHTML).then((text) => writeFileSync(join(dir, `${account}.html`), text));
    // A browser that hangs must not hide why the scenario failed.
    await Promise.race([Promise.allSettled([tab.screenshot(join(dir, `${account}.png`)), html]), pause(15_000)]);
  }
  return dir;
}

/**
 * Runs `scene` on a new stage and clears it away.
 * @param {(stage: Stage) => Promise<void>} scene @param {(line: string) => void} note @param {string[]} [flags] of the server, besides the usual ones
 */
export async function play(scene, note, flags = []) {
  binary(); // without one there is nothing to keep evidence of
  const mark = randomUUID();
  const env = { ...process.env, [MARK]: mark };
  /** @type {(() => Promise<void>)[]} */
  const closers = [];
  /** @type {Actor[]} */
  const actors = [];
  /** @type {{name: string, output: () => string}[]} */
  const logs = [];
  const timer = new AbortController();
  const limit = pause(LIMIT, undefined, { signal: timer.signal }).then(() => Promise.reject(new Error(`not done after ${LIMIT / 1000} s`)));
  limit.catch(() => {});
  try {
    const server = await openServer(env, flags);
    closers.push(server.close);
    logs.push({ name: 'server', output: server.output });
    const enter = (/** @type {typeof openChromium} */ open) => async (/** @type {Person} */ person) => {
      const opening = open(person, env);
      // Also if the scenario's time runs out while it opens.
      closers.push(() => opening.then((opened) => opened.close()));
      const tab = await opening;
      const actor = { ...person, tab, url: server.url };
      actors.push(actor);
      return actor;
    };
    const beside = async (/** @type {Actor} */ { tab }, /** @type {Person} */ person) => {
      if (!tab.beside) throw new Error('only Chromium has room for two');
      const actor = { ...person, tab: await tab.beside(person), url: server.url };
      actors.push(actor);
      return actor;
    };
    const terminal = async (/** @type {string} */ account, /** @type {string} */ password, /** @type {string[]} */ args) => {
      const opened = await openTerminal(env, server.url, account, password, args);
      closers.push(opened.close);
      logs.push({ name: `terminal-${account}`, output: opened.output });
      return opened;
    };
    await Promise.race([scene({ server, chromium: enter(openChromium), beside, firefox: enter(openFirefox), terminal, note }), limit]);
  } catch (error) {
    note(`evidence in ${await keepEvidence(actors, logs)}`);
    throw error;
  } finally {
    timer.abort();
    await Promise.allSettled(closers.reverse().map((close) => close()));
  }
  await assertNobodyLeft(mark);
}

/** Declares a scenario as a test. @param {string} name @param {(stage: Stage) => Promise<void>} scene @param {string[]} [flags] of the server, besides the usual ones */
export const scenario = (name, scene, flags = []) => test(name, (t) => play(scene, (line) => {
  t.diagnostic(line);
  console.error(`${name}: ${line}`);
}, flags));
