// The networks in which calls must work, as data. Who adds one adds a row.
import { largeUdpBlocked, natIs, otherTcpBlocked, ownAddressHidden, stunTells, tcpHidden, tcpPasses, udpBlocked, udpReaches } from './probes.mjs';
import { containerServer, hiddenContainer, homeServer, lineInLan, mappedServer, oneLan, onlyIPv6, publicServer } from './topology.mjs';

/**
 * `relay`: TURN or ICE over TCP on the one port. `tls`: `--tls`. `stun`: `--stun-server` tells the server its public address. `discovery`: it learns that from its clients.
 * @typedef {'relay' | 'tls' | 'stun' | 'discovery'} Feature
 */

/**
 * What the server under test does not do yet. A row that needs one of these is expected to fail, its proofs are not; once it passes, the run fails
 * until the feature is struck out here.
 * @type {Feature[]}
 */
export const MISSING = [];

/** The rows of the quick run inside `make test`, less those that need what is missing. */
export const SMOKE = ['direct', 'symmetric-nat', 'udp-blocked'];

/**
 * @typedef {object} Row
 * @property {string} name
 * @property {string} title what it is, for people
 * @property {import('./topology.mjs').Topology} topology
 * @property {import('./probes.mjs').Proof[]} proofs
 * @property {'call' | 'no media' | 'ports' | 'narrow'} scene a call with media; a call in which the first client gets none; the server's open ports; a call of three in which the
 *   last one's line becomes narrow for a while
 * @property {[RegExp, RegExp]} [ways] for a call: own candidate's type and protocol of each side; any if absent
 * @property {string} [told] for no media: the cause that the first client then tells
 * @property {Feature[]} [needs]
 * @property {{tcp: number, udp: number}} [ports] default 8080 and 8080
 * @property {boolean} [tls] the page is https
 * @property {string[]} [flags] further flags of the server
 * @property {boolean} [stun] a STUN server at the observer's first address
 * @property {boolean} [keepsCallsOff] the first client's browser lets calls use nothing but a proxy
 * @property {['chromium' | 'firefox', 'chromium' | 'firefox']} [browsers] default Chromium twice
 */

/** Whether a row needs what the server does not do yet. @param {Row} row */
export const early = ({ needs = [] }) => needs.some((feature) => MISSING.includes(feature));

const UDP = /^(host|prflx|srflx)\/udp$/;
/** By way of the relay over a stream, or ICE over TCP. */
const STREAM = /^(relay\/(tcp|tls)|(host|prflx)\/tcp)$/;
const TLS = /^relay\/tls$/;
const HTTPS = { tcp: 443, udp: 443 };
const SELF_SIGNED = ['--tls', 'self-signed'];

/** @type {Row[]} */
export const ROWS = [
  { name: 'direct', title: 'everybody on one LAN', scene: 'call',
    topology: oneLan, proofs: [udpReaches(0), udpReaches(1)], ways: [UDP, UDP] },
  { name: 'direct-firefox', title: 'everybody on one LAN, one with Firefox', scene: 'call',
    topology: oneLan, proofs: [udpReaches(0), udpReaches(1)], ways: [UDP, UDP], browsers: ['firefox', 'chromium'] },
  { name: 'cone-nat', title: 'both behind one cone NAT', scene: 'call',
    topology: publicServer({ nat: 'cone', people: 2 }), proofs: [natIs(0, 'cone'), natIs(1, 'cone'), udpReaches(0)], ways: [UDP, UDP] },
  { name: 'symmetric-nat', title: 'both behind one symmetric NAT', scene: 'call',
    topology: publicServer({ nat: 'symmetric', people: 2 }), proofs: [natIs(0, 'symmetric'), natIs(1, 'symmetric'), udpReaches(0)], ways: [UDP, UDP] },
  { name: 'two-nats', title: 'one behind a cone, one behind a symmetric NAT', scene: 'call',
    topology: publicServer({ nat: 'cone' }, { nat: 'symmetric' }), proofs: [natIs(0, 'cone'), natIs(1, 'symmetric'), udpReaches(0), udpReaches(1)], ways: [UDP, UDP] },
  { name: 'udp-blocked', title: 'one without UDP', scene: 'call', needs: ['relay'],
    topology: publicServer({ nat: 'cone', policy: 'no-udp' }, { nat: 'cone' }),
    proofs: [udpBlocked(0), tcpPasses(0, 'tls', 'http', 'turn', 'ice'), natIs(1, 'cone'), udpReaches(1)], ways: [STREAM, UDP] },
  { name: 'udp-blocked-both', title: 'an office without UDP, both in it', scene: 'call', needs: ['relay'],
    topology: publicServer({ nat: 'symmetric', policy: 'no-udp', people: 2 }),
    proofs: [udpBlocked(0), udpBlocked(1), tcpPasses(0, 'tls', 'http', 'turn', 'ice')], ways: [STREAM, STREAM] },
  { name: 'udp-blocked-firefox', title: 'Firefox without UDP', scene: 'call', needs: ['relay'], browsers: ['firefox', 'chromium'],
    topology: publicServer({ nat: 'cone', policy: 'no-udp' }, { nat: 'cone' }),
    proofs: [udpBlocked(0), tcpPasses(0, 'tls', 'http', 'turn', 'ice'), udpReaches(1)], ways: [STREAM, UDP] },
  { name: 'tls-443', title: 'one with nothing but TLS on TCP 443', scene: 'call', needs: ['relay', 'tls'], ports: HTTPS, tls: true, flags: SELF_SIGNED,
    topology: publicServer({ nat: 'cone', policy: 'tls-443' }, { nat: 'cone' }),
    proofs: [udpBlocked(0), tcpPasses(0, 'tls'), otherTcpBlocked(0), udpReaches(1)], ways: [TLS, UDP] },
  { name: 'tls-443-firefox', title: 'Firefox with nothing but TLS on TCP 443', scene: 'call', needs: ['relay', 'tls'], ports: HTTPS, tls: true, flags: SELF_SIGNED,
    topology: publicServer({ nat: 'cone', policy: 'tls-443' }, { nat: 'cone' }), browsers: ['firefox', 'chromium'],
    proofs: [udpBlocked(0), tcpPasses(0, 'tls'), otherTcpBlocked(0), udpReaches(1)], ways: [STREAM, UDP] },
  { name: 'home-server', title: 'server at home: one in its LAN, one outside', scene: 'call', flags: ['--public-ip', '203.0.113.10'],
    topology: homeServer('private', { nat: 'cone' }), proofs: [udpReaches(0), udpReaches(1), natIs(1, 'cone'), ownAddressHidden(1)], ways: [UDP, UDP] },
  { name: 'hairpin', title: 'the same, the one in the LAN comes by the public address', scene: 'call', flags: ['--public-ip', '203.0.113.10'],
    topology: homeServer('public', { nat: 'symmetric' }), proofs: [udpReaches(0), udpReaches(1), natIs(1, 'symmetric'), ownAddressHidden(1)], ways: [UDP, UDP] },
  { name: 'ipv6', title: 'IPv6 only', scene: 'call',
    topology: onlyIPv6, proofs: [udpReaches(0), udpReaches(1)], ways: [UDP, UDP] },
  { name: 'mapped-server', title: 'server in a cloud, its public address told', scene: 'call', flags: ['--public-ip', '203.0.113.10'],
    topology: mappedServer({ nat: 'cone' }, { nat: 'symmetric' }), proofs: [udpReaches(0), udpReaches(1), ownAddressHidden(0), ownAddressHidden(1)], ways: [UDP, UDP] },
  { name: 'container', title: 'server in a container, nothing told', scene: 'call', needs: ['discovery'],
    topology: containerServer({ nat: 'cone' }, { nat: 'symmetric' }), proofs: [udpReaches(0), udpReaches(1), ownAddressHidden(0), ownAddressHidden(1)], ways: [UDP, UDP] },
  { name: 'container-stun', title: 'the same, told a STUN server', scene: 'call', needs: ['stun'], flags: ['--stun-server', '203.0.113.201:3478'], stun: true,
    topology: containerServer({ nat: 'cone' }, { nat: 'symmetric' }), proofs: [udpReaches(0), udpReaches(1), ownAddressHidden(0), stunTells('203.0.113.10')], ways: [UDP, UDP] },
  { name: 'page-only', title: 'one whose network lets nothing but the page through', scene: 'no media', told: 'network',
    topology: publicServer({ nat: 'cone', policy: 'http-8080' }, { nat: 'cone' }),
    proofs: [udpBlocked(0), tcpPasses(0, 'http'), otherTcpBlocked(0), udpReaches(1)] },
  { name: 'page-only-no-relay', title: 'the same, and the server lends no relay', scene: 'no media', told: 'no-relay', flags: ['--relay', 'off'],
    topology: publicServer({ nat: 'cone', policy: 'http-8080' }, { nat: 'cone' }),
    proofs: [udpBlocked(0), tcpPasses(0, 'http'), otherTcpBlocked(0), udpReaches(1)] },
  { name: 'small-packets', title: 'one whose network drops large packets', scene: 'no media', told: 'encryption',
    topology: publicServer({ nat: 'cone', policy: 'small-udp' }, { nat: 'cone' }),
    proofs: [udpReaches(0), largeUdpBlocked(0), tcpPasses(0, 'http'), udpReaches(1)] },
  { name: 'hidden-container', title: 'server in a container that publishes the page alone', scene: 'no media', told: 'addresses',
    topology: hiddenContainer({ nat: 'cone' }), proofs: [udpBlocked(0), ownAddressHidden(0), tcpHidden(0), udpReaches(1)] },
  { name: 'browser-policy', title: 'one whose browser keeps calls off UDP, where no other TCP than the page passes', scene: 'no media', told: 'browser', keepsCallsOff: true,
    topology: publicServer({ nat: 'cone', policy: 'http-8080' }, { nat: 'cone' }), proofs: [tcpPasses(0, 'http'), otherTcpBlocked(0), udpReaches(1)] },
  { name: 'narrow', title: 'one of three gets 300 kbit/s for a while', scene: 'narrow',
    topology: lineInLan, proofs: [udpReaches(0), udpReaches(1), udpReaches(2)] },
  { name: 'ports', title: 'one TCP and one UDP port are open, and no other', scene: 'ports',
    topology: oneLan, proofs: [udpReaches(0)] },
  { name: 'ports-tls', title: 'the same with TLS on 443', scene: 'ports', needs: ['tls'], ports: HTTPS, flags: SELF_SIGNED,
    topology: oneLan, proofs: [udpReaches(0)] },
];
