// Network namespaces of one run: made, wired, and removed whatever happens. Nothing is ever made in the machine's own network: a cable is
// born with both ends inside, and forwarding and packet filters are set inside as well.
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openAgent } from './far.mjs';

/** Namespaces are called PREFIX, the process that made them, and their role: what a killed run left is recognised by the next one. */
const PREFIX = 'neochat-e2e-';

/** Where `ip netns exec` looks for a namespace's own files of /etc. */
const ETC = '/etc/netns';

/**
 * @typedef {object} Space  One machine in the laboratory: a network namespace of its own.
 * @property {string} role
 * @property {string[]} inside the command that runs a program in it
 * @property {(command: string, ...args: string[]) => Promise<string>} run runs a program to its end and gives what it printed
 * @property {(rules: string) => Promise<string>} nft adds packet filter rules
 * @property {(name: string, address: string) => void} knows resolves a name, for what is started from now on
 * @property {() => Promise<import('./far.mjs').Agent>} agent a helper process that lives in it; always the same one
 */

/**
 * @typedef {object} Lab
 * @property {(role: string) => Promise<Space>} space
 * @property {(role: string) => Promise<Space>} segment a switch
 * @property {(space: Space, device: string, segment: Space, ...addresses: string[]) => Promise<string>} plug a cable into a switch; addresses with prefix length; gives the switch's end
 * @property {() => Promise<void>} close ends what still runs inside and removes everything
 */

/** @param {string[]} command @param {string} [input] @returns {Promise<string>} */
function execute([file, ...args], input = '') {
  return new Promise((resolve, reject) => {
    const child = execFile(file, args, (error, stdout, stderr) => (error ? reject(new Error(`${[file, ...args].join(' ')}: ${stderr || error.message}`)) : resolve(stdout)));
    child.stdin?.on('error', () => {}).end(input); // a program may end without having read
  });
}

/** Every namespace that a run of this laboratory made, here or in another process. @returns {string[]} */
const existing = () => execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' }).split('\n').map((line) => line.split(' ')[0]).filter((name) => name.startsWith(PREFIX));

/** Ends what still runs in a namespace, and removes it. @param {string} name */
function remove(name) {
  try {
    for (const pid of execFileSync('ip', ['netns', 'pids', name], { encoding: 'utf8' }).split('\n').filter(Boolean)) {
      try {
        process.kill(Number(pid), 'SIGKILL');
      } catch {
        // ended meanwhile
      }
    }
    execFileSync('ip', ['netns', 'del', name], { stdio: 'ignore' });
  } catch {
    // gone already
  }
  rmSync(join(ETC, name), { recursive: true, force: true });
}

/** Removes what runs left that were killed. */
function sweep() {
  for (const name of existing()) {
    const pid = name.slice(PREFIX.length).split('-')[0];
    try {
      readFileSync(`/proc/${pid}/cmdline`);
    } catch {
      remove(name);
    }
  }
}

/** Why there can be no laboratory here; empty if there can. @returns {Promise<string>} */
export async function whyNot() {
  if (process.platform !== 'linux') return 'it needs Linux';
  if (process.getuid?.() !== 0) return 'it needs root, to make network namespaces';
  const name = `${PREFIX}${process.pid}-try`;
  try {
    await execute(['ip', 'netns', 'add', name]);
    await execute(['ip', 'netns', 'exec', name, 'nft', '-f', '-'], 'table inet try { chain out { type nat hook postrouting priority srcnat; masquerade; }; }');
    return '';
  } catch (error) {
    return `network namespaces with nftables do not work here: ${error instanceof Error ? error.message : error}`;
  } finally {
    remove(name);
  }
}

/** Opens a laboratory. @param {NodeJS.ProcessEnv} env of everything that runs in it @returns {Lab} */
export function openLab(env) {
  sweep();
  /** @type {{name: string, agent?: Promise<import('./far.mjs').Agent>}[]} */
  const made = [];
  const leave = () => {
    for (const { name } of made) remove(name);
    if (existsSync(ETC) && !readdirSync(ETC).length) rmdirSync(ETC);
  };
  process.once('exit', leave);
  let cables = 0;
  let closed = false;
  const insist = () => {
    if (closed) throw new Error('the laboratory is closed');
  };

  /** @param {string} role @returns {Promise<Space>} */
  async function space(role) {
    insist();
    const name = `${PREFIX}${process.pid}-${role}`;
    const inside = ['ip', 'netns', 'exec', name];
    /** @type {(typeof made)[number]} */
    const entry = { name };
    made.push(entry);
    // No name servers: a question that is never answered would hold up whoever asks it, for as long as the row lasts.
    mkdirSync(join(ETC, name), { recursive: true });
    writeFileSync(join(ETC, name, 'resolv.conf'), '');
    await execute(['ip', 'netns', 'add', name]);
    if (closed) remove(name); // meanwhile
    insist();
    await execute(['ip', '-n', name, 'link', 'set', 'lo', 'up']);
    return {
      role,
      inside,
      run: (...command) => execute([...inside, ...command]),
      nft: (rules) => execute([...inside, 'nft', '-f', '-'], rules),
      knows(host, address) {
        writeFileSync(join(ETC, name, 'hosts'), `127.0.0.1 localhost\n::1 localhost\n${address} ${host}\n`);
      },
      agent() {
        insist();
        return (entry.agent ??= openAgent(inside, role, env));
      },
    };
  }

  return {
    space,
    async segment(role) {
      const segment = await space(role);
      await segment.run('ip', 'link', 'add', 'switch', 'type', 'bridge');
      await segment.run('ip', 'link', 'set', 'switch', 'up');
      return segment;
    },
    async plug(plugged, device, segment, ...addresses) {
      const port = `port${++cables}`;
      const [near, far] = [plugged, segment].map(({ inside }) => inside[inside.length - 1]);
      await execute(['ip', 'link', 'add', device, 'netns', near, 'type', 'veth', 'peer', 'name', port, 'netns', far]);
      await segment.run('ip', 'link', 'set', port, 'master', 'switch', 'up');
      // nodad: an IPv6 address would otherwise be of no use for a second.
      for (const address of addresses) await plugged.run('ip', 'address', 'add', address, 'dev', device, ...(address.includes(':') ? ['nodad'] : []));
      await plugged.run('ip', 'link', 'set', device, 'up');
      return port;
    },
    async close() {
      closed = true;
      await Promise.allSettled(made.map(({ agent }) => agent?.then((opened) => opened.close())));
      leave();
      process.off('exit', leave);
    },
  };
}
