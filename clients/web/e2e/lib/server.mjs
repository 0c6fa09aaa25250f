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
 * @property {() => Promise<void>} replace ends it in good order and starts another one on its data and its ports, as an upgrade does
 * @property {() => Promise<void>} crash kills it, and starts another one on its data and its ports
 * @property {() => Promise<void>} close asks it to end, waits, and removes its data
 */

/**
 * @typedef {object} Process  A server that has been started; whether it serves yet is another question.
 * @property {() => string} output everything it printed
 * @property {(seen: (output: string) => void) => void} onOutput calls with everything it printed, each time that grew
 * @property {Promise<string>} ended why it ended
 * @property {string} dir holds its data
 * @property {(signal?: 'SIGTERM' | 'SIGKILL') => Promise<void>} end asks it to end, or kills it, and waits
 * @property {() => Promise<void>} close asks it to end, waits, and removes its data
 */

/**
 * Starts a server with a new data folder and no limits on logins and registrations.
 * @param {NodeJS.ProcessEnv} env @param {string[]} flags where it listens, and more
 * @param {string[]} [inside] the command that runs it somewhere else, in a network namespace say
 * @param {string} [dir] of a server before @returns {Process}
 */
export function startServer(env, flags, inside = [], dir = mkdtempSync(join(tmpdir(), 'neochat-e2e-server-'))) {
  const [command, ...args] = [...inside, binary(), 'serve', '--data', join(dir, 'data'), '--logins', '0', '--registrations', '0', ...flags];
  const child = spawn(command, args, { cwd: dir, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  /** @type {((output: string) => void)[]} */
  const watchers = [];
  const read = (/** @type {Buffer} */ chunk) => {
    output += chunk;
    for (const seen of watchers) seen(output);
  };
  child.stdout.on('data', read);
  child.stderr.on('data', read);
  /** @type {Promise<string>} */
  const ended = new Promise((done) => {
    child.once('error', (error) => done(error.message));
    child.once('close', (code) => done(`the server ended with ${code}:\n${output}`));
  });
  const end = async (/** @type {'SIGTERM' | 'SIGKILL'} */ signal = 'SIGTERM') => {
    child.kill(signal);
    const hung = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await ended;
    clearTimeout(hung);
  };
  return {
    output: () => output,
    onOutput: (seen) => void watchers.push(seen),
    ended,
    dir,
    end,
    async close() {
      await end();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Starts a server on loopback and waits until it says where it listens. @param {NodeJS.ProcessEnv} env @param {string[]} [flags] more of them @returns {Promise<Server>} */
export async function openServer(env, flags = []) {
  let server = startServer(env, ['--listen', '127.0.0.1:0', '--media-port', '0', ...flags]);
  let before = '';
  try {
    const url = await listening(server);
    const again = async (/** @type {'SIGTERM' | 'SIGKILL'} */ signal) => {
      const media = /, (\d+) \(UDP/.exec(server.output())?.[1];
      if (!media) throw new Error(`no media port in:\n${server.output()}`);
      await server.end(signal);
      before += server.output();
      server = startServer(env, ['--listen', `127.0.0.1:${new URL(url).port}`, '--media-port', media, ...flags], [], server.dir);
      await listening(server);
    };
    return {
      url,
      output: () => before + server.output(),
      replace: () => again('SIGTERM'),
      crash: () => again('SIGKILL'),
      close: () => server.close(),
    };
  } catch (error) {
    await server.close();
    throw error;
  }
}

/** Where it says that it listens. @param {Process} server @returns {Promise<string>} */
function listening({ onOutput, ended }) {
  return new Promise((resolve, reject) => {
    onOutput((text) => {
      const address = /http:\/\/localhost:[1-9]\d*/.exec(text);
      if (address) resolve(address[0]);
    });
    void ended.then((why) => reject(new Error(why)));
  });
}
