// Runs inside a namespace, started by far.mjs, and does there what it is told: a browser, and sockets to prove what the network lets through.
// A browser is driven from inside because its remote control is a port on the loopback of its namespace.
import { openChromium, openFirefox } from '../lib/browsers.mjs';
import * as sockets from './sockets.mjs';

/** @typedef {import('../lib/browsers.mjs').Tab} Tab */
/** @typedef {'goto' | 'reload' | 'evaluate' | 'until' | 'click' | 'fill' | 'press' | 'upload' | 'screenshot' | 'resize'} TabVerb */

/** @type {Promise<Tab> | undefined} */
let tab;

export const verbs = {
  ...sockets,

  /** Opens the one browser of this agent. @param {'chromium' | 'firefox'} kind @param {import('../lib/browsers.mjs').Person} person */
  async openTab(kind, person) {
    tab = (kind === 'firefox' ? openFirefox : openChromium)(person, process.env);
    await tab;
  },

  /**
   * A verb of the browser's tab. Functions come as source text, as they go to the page anyway. What the page logged since the last verb comes along.
   * @param {TabVerb} verb @param {{source?: string, value?: unknown}[]} args
   * @returns {Promise<{value?: any, error?: string, lines: string[]}>}
   */
  async tab(verb, args) {
    const opened = await tab;
    if (!opened) throw new Error('there is no browser');
    const real = args.map(({ source, value }) => (source === undefined ? value : new Function(`return (${source})`)()));
    try {
      const value = await /** @type {(...args: unknown[]) => Promise<unknown>} */ (opened[verb])(...real);
      const plain = verb === 'evaluate';
      return { value: plain ? value : undefined, lines: opened.log.splice(0) };
    } catch (error) {
      return { error: `${error instanceof Error ? error.message : error}`, lines: opened.log.splice(0) };
    }
  },

  async closeTab() {
    const closing = tab;
    tab = undefined;
    await (await closing)?.close();
  },
};

process.on('message', async (/** @type {{id: number, verb: keyof typeof verbs, args: unknown[]}} */ { id, verb, args }) => {
  const reply = await Promise.resolve()
    .then(() => /** @type {(...args: unknown[]) => unknown} */ (verbs[verb])(...args))
    .then((result) => ({ id, result }), (error) => ({ id, error: `${verb}: ${error instanceof Error ? error.message : error}` }));
  if (process.connected) process.send?.(reply);
});

process.once('disconnect', async () => {
  await verbs.closeTab().catch(() => {});
  process.exit(0);
});
