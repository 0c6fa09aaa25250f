// What an agent does with bare sockets: to ask what a network does to packets, and which ports a machine has open.
import { createSocket } from 'node:dgram';
import { X509Certificate, createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect, createServer, isIPv6 } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { connect as connectTLS } from 'node:tls';

/** @typedef {{host: string, port: number}} Place */

/** A packet is sent so often, so far apart (ms), until it counts as not coming through. */
const TRIES = 10;
const APART = 100;

/** @type {(() => Promise<unknown>)[]} */
const watching = [];

/** The mirrors over UDP, by their own name. @type {Map<string, import('node:dgram').Socket>} */
const mirrors = new Map();

const name = (/** @type {string} */ host, /** @type {number} */ port) => (isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`);

/** @param {string} host @param {number} port @returns {Promise<import('node:dgram').Socket>} */
function bind(host, port) {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(port, host, () => {
      socket.off('error', reject).on('error', () => {}); // an unreachable sender is no failure of ours
      resolve(socket);
    });
  });
}

/** Opens mirrors, which tell whoever asks how the asker looks from here, over UDP and TCP. @param {Place[]} places */
export async function mirror(places) {
  for (const { host, port } of places) {
    const udp = await bind(host, port);
    udp.on('message', (_, from) => udp.send(name(from.address, from.port), from.port, from.address));
    mirrors.set(name(host, port), udp);
    /** @type {Set<import('node:net').Socket>} */
    const accepted = new Set();
    const tcp = createServer((socket) => {
      accepted.add(socket);
      socket.on('error', () => {});
      socket.once('data', () => socket.end(name(socket.remoteAddress ?? '', socket.remotePort ?? 0)));
    });
    await new Promise((resolve, reject) => tcp.once('error', reject).listen(port, host, () => resolve(undefined)));
    watching.push(() => new Promise((closed) => udp.close(() => closed(undefined))), () => new Promise((closed) => {
      tcp.close(closed);
      for (const socket of accepted) socket.destroy(); // a firewall may have kept its end from us
    }));
  }
}

/** Answers STUN binding requests over UDP and IPv4 (RFC 8489, sections 5 and 14.2): how the asker looks from here. Closes with the mirrors. @param {Place} place */
export async function serveSTUN({ host, port }) {
  const [REQUEST, SUCCESS, XOR_MAPPED_ADDRESS, COOKIE] = [0x0001, 0x0101, 0x0020, 0x2112a442];
  const socket = await bind(host, port);
  watching.push(() => new Promise((closed) => socket.close(() => closed(undefined))));
  socket.on('message', (request, from) => {
    if (request.length < 20 || request.readUInt16BE(0) !== REQUEST || request.readUInt32BE(4) !== COOKIE) return;
    const answer = Buffer.alloc(32);
    answer.writeUInt16BE(SUCCESS, 0);
    answer.writeUInt16BE(answer.length - 20, 2);
    request.copy(answer, 4, 4, 20); // the cookie and the transaction
    answer.writeUInt16BE(XOR_MAPPED_ADDRESS, 20);
    answer.writeUInt16BE(8, 22);
    answer.writeUInt8(1, 25); // IPv4
    answer.writeUInt16BE(from.port ^ (COOKIE >>> 16), 26);
    from.address.split('.').forEach((byte, n) => answer.writeUInt8(Number(byte) ^ ((COOKIE >>> (24 - 8 * n)) & 255), 28 + n));
    socket.send(answer, from.port, from.address);
  });
}

/** Asks a STUN server over UDP and IPv4, from a port. @param {Place} place @param {number} port @returns {Promise<string | null>} how that port looks from there */
export async function askSTUN(place, port) {
  const socket = await bind('0.0.0.0', port);
  const request = Buffer.from(`000100002112a442${'0a'.repeat(12)}`, 'hex');
  /** @type {string | null} */
  let told = null;
  socket.on('message', (answer) => {
    const plain = [0x21, 0x12, 0x21, 0x12, 0xa4, 0x42].map((byte, n) => byte ^ answer[26 + n]);
    told = name(plain.slice(2).join('.'), plain[0] * 256 + plain[1]);
  });
  for (let i = 0; i < TRIES && !told; i++) {
    socket.send(request, place.port, place.host, () => {});
    await pause(APART);
  }
  await new Promise((closed) => socket.close(() => closed(undefined)));
  return told;
}

/** Closes the mirrors. */
export async function closeMirrors() {
  mirrors.clear();
  await Promise.all(watching.splice(0).map((close) => close()));
}

/** The next one who asks a mirror over UDP, as seen there. @param {Place} place @returns {Promise<string>} */
export const nextAsker = ({ host, port }) => new Promise((resolve, reject) => {
  const mirror = mirrors.get(name(host, port));
  if (!mirror) return reject(new Error(`no mirror at ${name(host, port)}`));
  mirror.once('message', (_, from) => resolve(name(from.address, from.port)));
});

/** Sends from a mirror to somebody who may never have asked it. @param {Place} from @param {Place} to */
export async function poke(from, to) {
  for (let i = 0; i < TRIES; i++) {
    mirrors.get(name(from.host, from.port))?.send('poke', to.port, to.host);
    await pause(APART / 2);
  }
}

/**
 * Asks mirrors over UDP, all from one port, how that port looks from there; null: no answer came.
 * `strangers` are the senders of what came from elsewhere, until `linger` tries later.
 * @param {Place[]} places @param {number} [linger] @param {string} [question]
 * @returns {Promise<{port: number, seen: (string | null)[], strangers: string[]}>}
 */
export async function askUDP(places, linger = 0, question = 'ask') {
  const socket = await bind(places.some(({ host }) => isIPv6(host)) ? '::' : '0.0.0.0', 0);
  /** @type {(string | null)[]} */
  const seen = places.map(() => null);
  /** @type {Set<string>} */
  const strangers = new Set();
  socket.on('message', (data, from) => {
    const asked = places.findIndex(({ host, port }) => host === from.address && port === from.port);
    if (asked < 0) strangers.add(name(from.address, from.port));
    else seen[asked] = `${data}`;
  });
  const { port } = socket.address();
  for (let i = 0; i < TRIES && seen.includes(null); i++) {
    // What the kernel knows to lead nowhere is no answer either.
    places.forEach((place, n) => seen[n] === null && socket.send(question, place.port, place.host, () => {}));
    await pause(APART);
  }
  for (let i = 0; i < linger; i++) await pause(APART);
  await new Promise((closed) => socket.close(() => closed(undefined)));
  return { port, seen, strangers: [...strangers] };
}

/**
 * Asks a mirror over TCP; the first bytes of the question may matter to a firewall.
 * @param {Place} place @param {string} question latin1 @returns {Promise<'connected' | 'refused' | 'no connection' | 'answered'>} how far it got
 */
export async function askTCP({ host, port }, question) {
  const socket = connect({ host, port });
  let state = /** @type {'connected' | 'refused' | 'no connection' | 'answered'} */ ('no connection');
  let over = false;
  socket.on('connect', () => {
    state = 'connected';
    socket.write(question, 'latin1');
  });
  socket.on('data', () => (state = 'answered'));
  socket.on('error', (/** @type {NodeJS.ErrnoException} */ error) => error.code === 'ECONNREFUSED' && (state = 'refused'));
  socket.on('close', () => (over = true));
  // Longer than TCP waits before it sends a lost packet again.
  for (let i = 0; i < 2 * TRIES && !over && state !== 'answered'; i++) await pause(APART);
  socket.destroy();
  return state;
}

/** Whether something accepts TCP connections. @param {Place} place @returns {Promise<boolean>} */
export const accepts = ({ host, port }) => new Promise((done) => {
  const socket = connect({ host, port }, () => done(true)).on('error', () => done(false)).on('connect', () => socket.destroy());
});

/** The base64 SHA-256 of the public key that a TLS server shows. @param {Place} place @returns {Promise<string>} */
export const keyOf = ({ host, port }) => new Promise((resolve, reject) => {
  const socket = connectTLS({ host, port, rejectUnauthorized: false }, () => {
    const { publicKey } = new X509Certificate(socket.getPeerCertificate().raw);
    socket.destroy();
    resolve(createHash('sha256').update(publicKey.export({ type: 'spki', format: 'der' })).digest('base64'));
  });
  socket.once('error', reject);
});

/**
 * Tries every TCP port of a machine, `width` at a time. `silent` ports neither accepted nor refused.
 * @param {string} host @param {number} [width] @returns {Promise<{open: number[], refused: number, silent: number[]}>}
 */
export async function scan(host, width = 256) {
  const found = { open: /** @type {number[]} */ ([]), refused: 0, silent: /** @type {number[]} */ ([]) };
  let next = 1;
  const tryOne = (/** @type {number} */ port) => new Promise((done) => {
    const socket = connect({ host, port, timeout: 5000 });
    const settle = (/** @type {() => void} */ note) => () => {
      note();
      socket.destroy();
      done(undefined);
    };
    socket.once('connect', settle(() => found.open.push(port)));
    socket.once('timeout', settle(() => found.silent.push(port)));
    socket.once('error', (/** @type {NodeJS.ErrnoException} */ error) => settle(() => (error.code === 'ECONNREFUSED' ? found.refused++ : found.silent.push(port)))());
  });
  await Promise.all(Array.from({ length: width }, async () => {
    while (next <= 65535) await tryOne(next++);
  }));
  return found;
}

/** The ports that sockets of this namespace are bound to: TCP those that listen, UDP all. @returns {{tcp: number[], udp: number[]}} */
export function boundPorts() {
  const LISTEN = '0A';
  const ports = (/** @type {string} */ table, /** @type {(state: string) => boolean} */ wanted) => readFileSync(`/proc/self/net/${table}`, 'utf8').trim().split('\n').slice(1)
    .map((line) => line.trim().split(/\s+/)).filter((fields) => wanted(fields[3])).map((fields) => parseInt(fields[1].split(':')[1], 16));
  const sorted = (/** @type {number[]} */ list) => [...new Set(list)].sort((a, b) => a - b);
  return {
    tcp: sorted([...ports('tcp', (s) => s === LISTEN), ...ports('tcp6', (s) => s === LISTEN)]),
    udp: sorted([...ports('udp', () => true), ...ports('udp6', () => true)]),
  };
}
