// The near end of a helper process inside a namespace (agent.mjs): calls its verbs, and makes a browser there look like one here.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** @typedef {import('../lib/browsers.mjs').Tab} Tab */
/** @typedef {typeof import('./agent.mjs').verbs} Verbs */

/**
 * @typedef {object} Agent
 * @property {<V extends keyof Verbs>(verb: V, ...args: Parameters<Verbs[V]>) => Promise<Awaited<ReturnType<Verbs[V]>>>} call
 * @property {() => Promise<void>} close
 */

/** Starts an agent. @param {string[]} inside the command that runs it in its namespace @param {string} role for messages @param {NodeJS.ProcessEnv} env @returns {Promise<Agent>} */
export async function openAgent(inside, role, env) {
  const [command, ...args] = [...inside, process.execPath, fileURLToPath(new URL('agent.mjs', import.meta.url))];
  // Detached, so that Ctrl-C in a terminal reaches only the runner, which then ends everything in order.
  const child = spawn(command, args, { env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'], serialization: 'advanced', detached: true });
  /** @type {Map<number, {resolve: (value: any) => void, reject: (error: Error) => void}>} */
  const waiting = new Map();
  let next = 0;
  let gone = '';
  const lose = (/** @type {string} */ why) => {
    gone = `the agent in ${role} ${why}`;
    for (const { reject } of waiting.values()) reject(new Error(gone));
    waiting.clear();
  };
  const ended = new Promise((done) => {
    child.once('exit', (code, signal) => done(lose(`ended with ${code ?? signal}`)));
    child.once('error', (error) => done(lose(`does not start: ${error.message}`)));
  });
  child.on('message', (/** @type {{id: number, result?: unknown, error?: string}} */ { id, result, error }) => {
    const call = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) call?.resolve(result);
    else call?.reject(new Error(`in ${role}: ${error}`));
  });
  return {
    call: (verb, ...args) => new Promise((resolve, reject) => {
      if (gone) return reject(new Error(gone));
      waiting.set(++next, { resolve, reject });
      child.send({ id: next, verb, args });
    }),
    async close() {
      if (child.connected) child.disconnect(); // it then closes its browser and ends
      const hung = setTimeout(() => child.kill('SIGKILL'), 15_000);
      await ended;
      clearTimeout(hung);
    },
  };
}

/** Opens a browser where the agent lives. @param {Agent} agent @param {'chromium' | 'firefox'} kind @param {import('../lib/browsers.mjs').Person} person @returns {Promise<Tab>} */
export async function openFarTab(agent, kind, person) {
  await agent.call('openTab', kind, person);
  /** @type {string[]} */
  const log = [];
  const ask = async (/** @type {import('./agent.mjs').TabVerb} */ verb, /** @type {unknown[]} */ ...args) => {
    const { value, error, lines } = await agent.call('tab', verb, args.map((arg) => (typeof arg === 'function' ? { source: `${arg}` } : { value: arg })));
    log.push(...lines);
    if (error !== undefined) throw new Error(error);
    return value;
  };
  return {
    kind, log, playwright: null, beside: null,
    goto: (url) => ask('goto', url),
    reload: () => ask('reload'),
    evaluate: (fn, arg) => ask('evaluate', fn, arg),
    until: (fn, arg) => ask('until', fn, arg),
    click: (selector) => ask('click', selector),
    fill: (selector, text) => ask('fill', selector, text),
    press: (key) => ask('press', key),
    upload: (selector, path) => ask('upload', selector, path),
    screenshot: (path) => ask('screenshot', path),
    resize: (width, height) => ask('resize', width, height),
    close: () => agent.call('closeTab'),
  };
}
