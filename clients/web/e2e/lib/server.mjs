// The server under test: the real binary, a new data folder, ports the system picks.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The binary under test. @returns {string} */
export function binary() {
  const path = process.env.NEOCHAT_BIN;
  if (!path) throw new Error('NEOCHAT_BIN names no server binary: run `go build -o FILE ./cmd/neochat` and set NEOCHAT_BIN=FILE');
  return path;
}

/**
 * @typedef {object} Server
 * @property {string} url http://localhost:PORT, as it prints it
 * @property {() => string} output everything it printed
 * @property {() => Promise<void>} close asks it to end, waits, and removes its data
 */

/** Starts a server and waits until it says where it listens. @param {NodeJS.ProcessEnv} env @returns {Promise<Server>} */
export async function openServer(env) {
  const path = binary();
  const dir = mkdtempSync(join(tmpdir(), 'neochat-e2e-server-'));
  const child = spawn(path, ['serve', '--data', join(dir, 'data'), '--listen', '127.0.0.1:0', '--media-port', '0', '--logins', '0', '--registrations', '0'], {
    cwd: dir, env, stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const ended = new Promise((done) => child.once('close', done));
  const close = async () => {
    child.kill('SIGTERM');
    const hung = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await ended;
    clearTimeout(hung);
    rmSync(dir, { recursive: true, force: true });
  };
  /** @type {Promise<string>} */
  const listening = new Promise((resolve, reject) => {
    const read = (/** @type {Buffer} */ chunk) => {
      output += chunk;
      const address = /http:\/\/localhost:[1-9]\d*/.exec(output);
      if (address) resolve(address[0]);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('error', reject);
    child.once('close', (code) => reject(new Error(`the server ended with ${code}:\n${output}`)));
  });
  try {
    return { url: await listening, output: () => output, close };
  } catch (error) {
    await close();
    throw error;
  }
}
