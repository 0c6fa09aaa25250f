// Proofs that a network is what its row says, by bare sockets and before the server starts. A proof throws if it does not hold, else it says in a
// few words what was seen.
import assert from 'node:assert/strict';

/** @typedef {import('./topology.mjs').Network} Network */
/** @typedef {(network: Network, ports: {tcp: number, udp: number}) => Promise<string>} Proof */

/** What connections begin with, of one that speaks TLS, HTTP, TURN over TCP (a 20 byte header and no more), ICE over TCP (the same in a frame). */
const BEGINNINGS = {
  tls: '\x16\x03\x01\x00\x05hello',
  http: 'GET / HTTP/1.1\r\n\r\n',
  turn: '\x00\x03\x00\x00\x21\x12\xa4\x42neochat-e2e.',
  ice: '\x00\x14\x00\x01\x00\x00\x21\x12\xa4\x42neochat-e2e.',
};

const DNS = 53;

/** Runs `look` while the server's machine mirrors these ports. @template T @param {Network} network @param {number[]} ports @param {() => Promise<T>} look @returns {Promise<T>} */
async function mirrored({ server, address }, ports, look) {
  const agent = await server.agent();
  await agent.call('mirror', ports.map((port) => ({ host: address, port })));
  try {
    return await look();
  } finally {
    await agent.call('closeMirrors');
  }
}

/** The server's UDP port can be asked by a client (0 or 1). @param {number} client @returns {Proof} */
export const udpReaches = (client) => (network, ports) => mirrored(network, [ports.udp], async () => {
  const { space, server } = network.clients[client];
  const { seen: [seen] } = await (await space.agent()).call('askUDP', [{ host: server, port: ports.udp }]);
  assert.ok(seen, `UDP from ${space.role} does not reach ${server}:${ports.udp}`);
  return `${space.role}: UDP passes`;
});

/** No UDP of a client comes through: neither to the server's port nor to the one that is open where any is, that of DNS. @param {number} client @returns {Proof} */
export const udpBlocked = (client) => (network, ports) => mirrored(network, [ports.udp, DNS], async () => {
  const { space, server } = network.clients[client];
  const { seen } = await (await space.agent()).call('askUDP', [{ host: server, port: ports.udp }, { host: server, port: DNS }]);
  assert.deepEqual(seen, [null, null], `UDP from ${space.role} comes through`);
  return `${space.role}: UDP blocked`;
});

/** A packet to the server's UDP port that is as large as those which set the encryption up does not come through. @param {number} client @returns {Proof} */
export const largeUdpBlocked = (client) => (network, ports) => mirrored(network, [ports.udp], async () => {
  const { space, server } = network.clients[client];
  const { seen: [seen] } = await (await space.agent()).call('askUDP', [{ host: server, port: ports.udp }], 0, 'x'.repeat(400));
  assert.equal(seen, null, `a large packet from ${space.role} comes through`);
  return `${space.role}: large UDP packets blocked`;
});

/** The server's TCP port cannot be connected to under its number. @param {number} client @returns {Proof} */
export const tcpHidden = (client) => (network, ports) => mirrored(network, [ports.tcp], async () => {
  const state = await ask(client, ports.tcp, 'http', network);
  assert.ok(state === 'refused' || state === 'no connection', `TCP ${ports.tcp}: ${state}`);
  return `${network.clients[client].space.role}: TCP ${ports.tcp} out of reach`;
});

/** @param {number} client @param {number} port @param {keyof typeof BEGINNINGS} beginning @param {Network} network */
async function ask(client, port, beginning, network) {
  const { space, server } = network.clients[client];
  return (await space.agent()).call('askTCP', { host: server, port }, BEGINNINGS[beginning]);
}

/** TCP to the server's port comes through for what begins as told, and nothing else does. @param {number} client @param {(keyof typeof BEGINNINGS)[]} allowed @returns {Proof} */
export const tcpPasses = (client, ...allowed) => (network, ports) => mirrored(network, [ports.tcp], async () => {
  const all = /** @type {(keyof typeof BEGINNINGS)[]} */ (Object.keys(BEGINNINGS));
  const states = await Promise.all(all.map((beginning) => ask(client, ports.tcp, beginning, network)));
  const answered = all.filter((_, n) => states[n] === 'answered');
  const { role } = network.clients[client].space;
  assert.deepEqual(answered, all.filter((beginning) => allowed.includes(beginning)), `what passes from ${role} to TCP ${ports.tcp}`);
  return `${role}: TCP ${ports.tcp} passes ${answered.length === all.length ? 'all' : answered.join(', ')}`;
});

/** TCP to any other port than the server's does not come through. @param {number} client @returns {Proof} */
export const otherTcpBlocked = (client) => async (network, ports) => {
  const { role } = network.clients[client].space;
  const other = ports.tcp + 1;
  return mirrored(network, [other], async () => {
    assert.equal(await ask(client, other, 'tls', network), 'no connection', `TCP ${other} from ${role}`);
    return `${role}: TCP ${other} blocked`;
  });
};

/**
 * A client's router translates as told: a port of the client looks the same to two machines or differs, and who was not asked cannot answer.
 * @param {number} client @param {import('./firewall.mjs').Nat} nat @returns {Proof}
 */
export const natIs = (client, nat) => async ({ clients, observer }) => {
  if (!observer) throw new Error('there is nobody on this internet to look at the translation');
  const { space } = clients[client];
  const [watcher, agent] = [await observer.space.agent(), await space.agent()];
  const [a, b] = observer.addresses;
  const [asked, alsoAsked, stranger] = [{ host: a, port: 3478 }, { host: b, port: 3478 }, { host: b, port: 3479 }];
  await watcher.call('mirror', [asked, alsoAsked, stranger]);
  try {
    const { port, seen, strangers } = await agent.call('askUDP', [asked, alsoAsked]);
    const [first, second] = seen.map((text) => Number(text?.split(':')[1]));
    assert.ok(first && second, `UDP from ${space.role} does not reach the internet`);
    if (nat === 'cone') assert.deepEqual([first, second], [port, port], `the port of ${space.role} should stay what it is`);
    else assert.ok(first !== second && first !== port && second !== port, `the ports of ${space.role} should differ: ${port}, outside ${first} and ${second}`);
    assert.deepEqual(strangers, []);
    await assertFiltered(watcher, agent, asked, stranger);
    return `${space.role}: ${nat} NAT (${port} is ${first === second ? first : `${first}, ${second}`})`;
  } finally {
    await watcher.call('closeMirrors');
  }
};

/**
 * While a client asks `asked`, `stranger` writes to the very port that was seen there: it must not arrive.
 * @param {import('./far.mjs').Agent} watcher @param {import('./far.mjs').Agent} agent
 * @param {import('./sockets.mjs').Place} asked @param {import('./sockets.mjs').Place} stranger
 */
async function assertFiltered(watcher, agent, asked, stranger) {
  const seen = watcher.call('nextAsker', asked);
  const asking = agent.call('askUDP', [asked], 10);
  const [host, port] = (await seen).split(':');
  await watcher.call('poke', stranger, { host, port: Number(port) });
  assert.deepEqual((await asking).strangers, [], 'a stranger comes in from the internet');
}

/** The server's own address leads nowhere from a client. @param {number} client @returns {Proof} */
export const ownAddressHidden = (client) => (network, ports) => mirrored(network, [ports.udp], async () => {
  const { space } = network.clients[client];
  const { seen: [seen] } = await (await space.agent()).call('askUDP', [{ host: network.address, port: ports.udp }]);
  assert.equal(seen, null, `${network.address} can be reached from ${space.role}`);
  return `${space.role}: ${network.address} out of reach`;
});

/** Where a row's STUN server is. @param {import('./topology.mjs').Observer} observer */
export const stunOf = ({ addresses: [host] }) => ({ host, port: 3478 });

/** A STUN server on the internet tells the server's machine this address, with the port it asks from. @param {string} address @returns {Proof} */
export const stunTells = (address) => async ({ server, observer }, ports) => {
  if (!observer) throw new Error('there is nobody on this internet to be a STUN server');
  const watcher = await observer.space.agent();
  await watcher.call('serveSTUN', stunOf(observer));
  try {
    const told = await (await server.agent()).call('askSTUN', stunOf(observer), ports.udp);
    assert.equal(told, `${address}:${ports.udp}`, 'what STUN tells the server');
    return `${server.role}: STUN tells ${told}`;
  } finally {
    await watcher.call('closeMirrors');
  }
};
