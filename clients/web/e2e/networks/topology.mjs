// Networks as people have them, built of namespaces. Each function takes an open laboratory and gives a Network.
import { forwarding, homeRouter, onePage, oneToOne } from './firewall.mjs';

/** @typedef {import('./lab.mjs').Lab} Lab */
/** @typedef {import('./lab.mjs').Space} Space */

/**
 * @typedef {object} Client
 * @property {Space} space
 * @property {string} server the server's address as this client knows it
 * @property {string} [name] the server's name, if there is one
 * @property {number} [page] the TCP port at which this client finds the page by that name, if it is not the server's
 */

/**
 * @typedef {object} Network
 * @property {Space} server
 * @property {string} address the server's own
 * @property {Client[]} clients two or more
 * @property {Observer} [observer]
 * @property {Line} [line] to the last client
 */

/**
 * @typedef {object} Line  A way that can be made narrow.
 * @property {(kbits: number) => Promise<void>} narrow lets no more than so many kbit/s through to the client
 * @property {() => Promise<number>} widen makes it as wide as before; gives how many packets waited or got lost meanwhile
 */

/**
 * @typedef {object} Observer  A machine on the internet with two addresses, to see what becomes of packets.
 * @property {Space} space
 * @property {[string, string]} addresses
 */

/** @typedef {(lab: Lab, ports: {tcp: number, udp: number}) => Promise<Network>} Topology */

/**
 * @typedef {object} Home  A router with people behind it.
 * @property {import('./firewall.mjs').Nat} nat
 * @property {import('./firewall.mjs').Policy} [policy] default open
 * @property {number} [people] default 1
 */

// The internet is one segment of addresses for documentation (RFC 5737, RFC 3849): who is on it reaches each other without a router.
const INTERNET = '203.0.113';
const SERVER = `${INTERNET}.10`;
const OBSERVER = /** @type {[string, string]} */ ([`${INTERNET}.201`, `${INTERNET}.202`]);
const INTERNET6 = '2001:db8:1:';
/** The server's name on the internet (RFC 6761). */
const NAME = 'neochat.test';

/** @param {Client[]} clients @returns {[Client, Client]} */
function two(clients) {
  if (clients.length !== 2) throw new Error(`a call is between two, here are ${clients.length}`);
  return [clients[0], clients[1]];
}

/** A machine in a segment. @param {Lab} lab @param {string} role @param {Space} segment @param {string} address @param {string} [router] its default route @returns {Promise<Space>} */
async function machine(lab, role, segment, address, router) {
  const space = await lab.space(role);
  await lab.plug(space, 'eth0', segment, address);
  if (router) await space.run('ip', 'route', 'add', 'default', 'via', router);
  return space;
}

/** A router between the internet and a new segment, which is returned with it. @param {Lab} lab @param {string} role @param {Space} internet @param {string} outside @param {string} inside */
async function router(lab, role, internet, outside, inside) {
  const [space, segment] = [await lab.space(role), await lab.segment(`${role}-lan`)];
  await lab.plug(space, 'wan', internet, `${outside}/24`);
  await lab.plug(space, 'lan', segment, `${inside}/24`);
  await space.run('sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward');
  return { space, segment };
}

/** Somebody on the internet who watches. @param {Lab} lab @param {Space} internet @returns {Promise<Observer>} */
async function observer(lab, internet) {
  const space = await lab.space('observer');
  await lab.plug(space, 'eth0', internet, ...OBSERVER.map((address) => `${address}/24`));
  return { space, addresses: OBSERVER };
}

/** People behind their routers, who know the server by its public address. @param {Lab} lab @param {Space} internet @param {Home[]} homes @returns {Promise<Client[]>} */
async function settle(lab, internet, homes) {
  const clients = [];
  for (const [n, { nat, policy = 'open', people = 1 }] of homes.entries()) {
    const lan = `192.168.${n + 1}`;
    const { space, segment } = await router(lab, `home${n + 1}`, internet, `${INTERNET}.${101 + n}`, `${lan}.1`);
    await space.nft(homeRouter(nat, policy));
    for (let i = 0; i < people; i++) {
      const space = await machine(lab, `client${clients.length + 1}`, segment, `${lan}.${20 + i}/24`, `${lan}.1`);
      space.knows(NAME, SERVER);
      clients.push({ space, server: SERVER, name: NAME });
    }
  }
  return clients;
}

/** Everybody on one LAN. @param {Lab} lab @returns {Promise<Network & {segment: Space}>} */
export async function oneLan(lab) {
  const lan = await lab.segment('lan');
  const server = await machine(lab, 'server', lan, '192.168.1.10/24');
  const clients = [];
  for (const n of [1, 2]) clients.push({ space: await machine(lab, `client${n}`, lan, `192.168.1.${20 + n}/24`), server: '192.168.1.10' });
  return { server, address: '192.168.1.10', clients: two(clients), segment: lan };
}

/** The same with three, and a line to the last one that can be made narrow. @type {Topology} */
export async function lineInLan(lab) {
  const network = await oneLan(lab);
  const space = await lab.space('client3');
  const lan = network.segment;
  const port = await lab.plug(space, 'eth0', lan, '192.168.1.23/24');
  return {
    ...network,
    clients: [...network.clients, { space, server: network.address }],
    line: {
      // The queue is that of a home router: a third of a second of what gets through.
      narrow: async (kbits) => void await lan.run('tc', 'qdisc', 'replace', 'dev', port, 'root', 'tbf', 'rate', `${kbits}kbit`, 'burst', '3000', 'latency', '300ms'),
      async widen() {
        const told = await lan.run('tc', '-s', 'qdisc', 'show', 'dev', port);
        await lan.run('tc', 'qdisc', 'del', 'dev', port, 'root');
        const [, dropped = '0', over = '0'] = /dropped (\d+), overlimits (\d+)/.exec(told) ?? [];
        return Number(dropped) + Number(over);
      },
    },
  };
}

/** The same without IPv4. @type {Topology} */
export async function onlyIPv6(lab) {
  const internet = await lab.segment('internet');
  const address = `${INTERNET6}:10`;
  const server = await machine(lab, 'server', internet, `${address}/64`);
  const clients = [];
  for (const n of [1, 2]) clients.push({ space: await machine(lab, `client${n}`, internet, `${INTERNET6}:2${n}/64`), server: address });
  return { server, address, clients: two(clients) };
}

/** A server with a public address of its own, people at home. @param {Home[]} homes @returns {Topology} */
export const publicServer = (...homes) => async (lab) => {
  const internet = await lab.segment('internet');
  const server = await machine(lab, 'server', internet, `${SERVER}/24`);
  return { server, address: SERVER, observer: await observer(lab, internet), clients: two(await settle(lab, internet, homes)) };
};

/** A server in a cloud: a private address, all of a public one mapped to it. @param {Home[]} homes @returns {Topology} */
export const mappedServer = (...homes) => async (lab) => {
  const internet = await lab.segment('internet');
  const cloud = await router(lab, 'cloud', internet, SERVER, '10.0.0.1');
  await cloud.space.nft(oneToOne('10.0.0.10', SERVER));
  const server = await machine(lab, 'server', cloud.segment, '10.0.0.10/24', '10.0.0.1');
  return { server, address: '10.0.0.10', observer: await observer(lab, internet), clients: two(await settle(lab, internet, homes)) };
};

/** A server in a container: a private address on a bridge of its host, which publishes its ports. @param {Home[]} homes @returns {Topology} */
export const containerServer = (...homes) => async (lab, ports) => {
  const internet = await lab.segment('internet');
  const host = await router(lab, 'host', internet, SERVER, '172.17.0.1');
  await host.space.nft(homeRouter('cone', 'open'));
  await host.space.nft(forwarding('172.17.0.2', SERVER, ports));
  const server = await machine(lab, 'server', host.segment, '172.17.0.2/24', '172.17.0.1');
  return { server, address: '172.17.0.2', observer: await observer(lab, internet), clients: two(await settle(lab, internet, homes)) };
};

/**
 * A server in a container of which the host publishes the page alone, at port 80, and which knows its name as the container's; the first client is
 * elsewhere, the second beside it.
 * @param {Home} home @returns {Topology}
 */
export const hiddenContainer = (home) => async (lab, ports) => {
  const internet = await lab.segment('internet');
  const host = await router(lab, 'host', internet, SERVER, '172.17.0.1');
  await host.space.nft(homeRouter('cone', 'open'));
  await host.space.nft(onePage('172.17.0.2', SERVER, ports.tcp));
  const server = await machine(lab, 'server', host.segment, '172.17.0.2/24', '172.17.0.1');
  server.knows(NAME, '172.17.0.2');
  const [far] = await settle(lab, internet, [home]);
  const beside = await machine(lab, 'beside', host.segment, '172.17.0.3/24', '172.17.0.1');
  return { server, address: '172.17.0.2', observer: await observer(lab, internet), clients: [{ ...far, page: 80 }, { space: beside, server: '172.17.0.2' }] };
};

/**
 * A server at home with its ports forwarded; the first client is in the same LAN, the second elsewhere.
 * @param {'private' | 'public'} known by which address the first client knows the server @param {Home} home @returns {Topology}
 */
export const homeServer = (known, home) => async (lab, ports) => {
  const internet = await lab.segment('internet');
  const house = await router(lab, 'house', internet, SERVER, '192.168.10.1');
  await house.space.nft(homeRouter('cone', 'open'));
  const address = '192.168.10.10';
  await house.space.nft(forwarding(address, SERVER, ports));
  const server = await machine(lab, 'server', house.segment, `${address}/24`, '192.168.10.1');
  const near = await machine(lab, 'near', house.segment, '192.168.10.20/24', '192.168.10.1');
  const far = await settle(lab, internet, [home]);
  return { server, address, observer: await observer(lab, internet), clients: two([{ space: near, server: known === 'private' ? address : SERVER }, ...far]) };
};
