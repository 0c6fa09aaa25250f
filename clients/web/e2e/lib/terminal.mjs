// `neochat chat` as a third person: written to and read through pipes.
import { spawn } from 'node:child_process';
import { PATIENCE } from './browsers.mjs';
import { binary } from './server.mjs';

/**
 * @typedef {object} Terminal
 * @property {(line: string) => void} type
 * @property {(text: string) => Promise<void>} shows waits until it printed the text (since it started)
 * @property {() => string} output
 * @property {() => Promise<void>} close
 */

/**
 * Starts the terminal client.
 * @param {NodeJS.ProcessEnv} env @param {string} url of the server @param {string} account @param {string} password @param {string[]} args further arguments
 * @returns {Promise<Terminal>}
 */
export async function openTerminal(env, url, account, password, args) {
  const child = spawn(binary(), ['chat', '--server', url, '--account', account, ...args], {
    env: { ...env, NEOCHAT_PASSWORD: password }, stdio: ['pipe', 'pipe', 'pipe'],
  });
  let output = '';
  /** @type {Set<() => void>} */
  const waiting = new Set();
  const read = (/** @type {Buffer} */ chunk) => {
    output += chunk;
    for (const check of waiting) check();
  };
  child.stdout.on('data', read);
  child.stderr.on('data', read);
  const ended = new Promise((done) => child.once('close', done));
  return {
    type: (line) => void child.stdin.write(`${line}\n`),
    shows: (text) => new Promise((resolve, reject) => {
      const timer = setTimeout(() => finish(() => reject(new Error(`the terminal never showed ${JSON.stringify(text)}:\n${output}`))), PATIENCE);
      const finish = (/** @type {() => void} */ settle) => {
        clearTimeout(timer);
        waiting.delete(check);
        settle();
      };
      const check = () => output.includes(text) && finish(resolve);
      waiting.add(check);
      check();
    }),
    output: () => output,
    async close() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
