// The proofs of `networks` tell a network from another: each is met by one that it must refuse. Where there can be no namespaces there is nothing to test.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openLab, whyNot } from '../networks/lab.mjs';
import { largeUdpBlocked, natIs, otherTcpBlocked, ownAddressHidden, tcpHidden, tcpPasses, udpBlocked, udpReaches } from '../networks/probes.mjs';
import { hiddenContainer, mappedServer, publicServer } from '../networks/topology.mjs';

/** @typedef {import('../networks/lab.mjs').Lab} Lab */

const PORTS = { tcp: 443, udp: 443 };
const why = await whyNot();
if (why) console.log(`the proofs of networks were left out: ${why}`);

/** Declares a test with a laboratory of its own. @param {string} name @param {(lab: Lab) => Promise<void>} body */
const experiment = (name, body) => test(name, async () => {
  const lab = openLab(process.env);
  try {
    await body(lab);
  } finally {
    await lab.close();
  }
});

describe('proofs', { concurrency: 1 }, () => {
  if (why) return;

  experiment('translations', async (lab) => {
    const network = await publicServer({ nat: 'cone' }, { nat: 'symmetric' })(lab, PORTS);
    await natIs(0, 'cone')(network, PORTS);
    await natIs(1, 'symmetric')(network, PORTS);
    await assert.rejects(natIs(0, 'symmetric')(network, PORTS), /should differ/);
    await assert.rejects(natIs(1, 'cone')(network, PORTS), /should stay/);
    await assert.rejects(udpBlocked(0)(network, PORTS), /comes through/);
    await assert.rejects(ownAddressHidden(0)(network, PORTS), /can be reached/);
    await assert.rejects(otherTcpBlocked(0)(network, PORTS), /TCP 444/);
  });

  experiment('a router that lets strangers in', async (lab) => {
    // Its only client has all of the public address, so whatever is sent there arrives.
    const mapped = await mappedServer({ nat: 'cone' }, { nat: 'cone' })(lab, PORTS);
    const network = { ...mapped, clients: /** @type {typeof mapped.clients} */ ([{ space: mapped.server, server: '' }, mapped.clients[1]]) };
    await assert.rejects(natIs(0, 'cone')(network, PORTS), /a stranger comes in/);
  });

  experiment('firewalls', async (lab) => {
    const network = await publicServer({ nat: 'cone', policy: 'no-udp' }, { nat: 'cone', policy: 'tls-443' })(lab, PORTS);
    await udpBlocked(0)(network, PORTS);
    await tcpPasses(0, 'tls', 'http', 'turn', 'ice')(network, PORTS);
    await tcpPasses(1, 'tls')(network, PORTS);
    await otherTcpBlocked(1)(network, PORTS);
    await assert.rejects(udpReaches(0)(network, PORTS), /does not reach/);
    await assert.rejects(tcpPasses(0, 'tls')(network, PORTS), /what passes/);
    await assert.rejects(tcpPasses(1, 'tls', 'http')(network, PORTS), /what passes/);
  });

  experiment('large packets, and ports that nobody publishes', async (lab) => {
    const network = await publicServer({ nat: 'cone', policy: 'small-udp' }, { nat: 'cone' })(lab, PORTS);
    await largeUdpBlocked(0)(network, PORTS);
    await udpReaches(0)(network, PORTS);
    await assert.rejects(largeUdpBlocked(1)(network, PORTS), /comes through/);
    await assert.rejects(tcpHidden(1)(network, PORTS), /TCP 443: answered/);
  });

  experiment('a container that publishes the page alone', async (lab) => {
    const network = await hiddenContainer({ nat: 'cone' })(lab, PORTS);
    await tcpHidden(0)(network, PORTS);
    await udpBlocked(0)(network, PORTS);
    await assert.rejects(tcpHidden(1)(network, PORTS), /answered/);
    // What the host publishes is the server's port under another number.
    const { server, clients: [far] } = network;
    await (await server.agent()).call('mirror', [{ host: network.address, port: PORTS.tcp }]);
    assert.equal(await (await far.space.agent()).call('askTCP', { host: far.server, port: 80 }, 'GET / HTTP/1.1\r\n\r\n'), 'answered');
  });

  experiment('open ports', async (lab) => {
    const network = await publicServer({ nat: 'cone', people: 2 })(lab, PORTS);
    const server = await network.server.agent();
    await server.call('mirror', [1, 8080, 65535].map((port) => ({ host: network.address, port })));
    assert.deepEqual(await server.call('boundPorts'), { tcp: [1, 8080, 65535], udp: [1, 8080, 65535] });
    const found = await (await network.clients[0].space.agent()).call('scan', network.address);
    assert.deepEqual([found.open.sort((a, b) => a - b), found.silent, found.refused], [[1, 8080, 65535], [], 65532]);
  });
});
