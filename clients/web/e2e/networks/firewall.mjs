// What routers do to packets, as nftables rules. A router has a device `wan` outside and a device `lan` inside.

/**
 * How a router translates addresses. `cone`: a port inside is the same port outside for everybody, but only those who were written to may
 * answer (RFC 4787: endpoint-independent mapping as long as no two want one port, address and port-dependent filtering). `symmetric`: another port
 * outside for each destination (address and port-dependent mapping).
 * @typedef {'cone' | 'symmetric'} Nat
 */

/**
 * What may go out. `no-udp`: TCP only. `tls-443`: TCP to port 443 only, and it must begin as TLS does. `http-8080`: TCP to port 8080 only, and it must
 * begin as HTTP does. `small-udp`: the same, and UDP packets that carry at most 200 bytes: the checks of ICE, not what sets the encryption up.
 * @typedef {'open' | 'no-udp' | 'tls-443' | 'http-8080' | 'small-udp'} Policy
 */

/** A TLS record: handshake, version 3.x. */
const TLS = '@ih,0,16 0x1603';
/** `GET `, `POST`, `HEAD`, `OPTI`. */
const HTTP = '@ih,0,32 { 0x47455420, 0x504f5354, 0x48454144, 0x4f505449 }';

/**
 * Lets through one port whose connections begin as told: the first bytes are looked at, a mark on the connection remembers the verdict.
 * @param {number} port @param {string} beginning
 */
const inspected = (port, beginning) => [
  `iifname "lan" tcp dport ${port} ct mark 1 accept`,
  `iifname "lan" tcp dport ${port} ${beginning} ct mark set 1 accept`,
  `iifname "lan" tcp dport ${port} @ih,0,8 >= 0 drop`, // any payload
  `iifname "lan" tcp dport ${port} accept`, // the handshake, which carries none
  'iifname "lan" drop',
];

/** @type {Record<Policy, string[]>} */
const POLICIES = {
  open: [],
  'no-udp': ['meta l4proto udp drop'],
  'tls-443': inspected(443, TLS),
  'http-8080': inspected(8080, HTTP),
  'small-udp': ['udp length > 208 drop', 'meta l4proto udp accept', ...inspected(8080, HTTP)],
};

/** @type {Record<Nat, string>} */
const NATS = { cone: 'masquerade', symmetric: 'masquerade random,fully-random' };

/** A router of a home or an office: lets out what its policy allows, and nothing in that was not asked for or is forwarded. @param {Nat} nat @param {Policy} policy */
export const homeRouter = (nat, policy) => `table ip router {
  chain translate { type nat hook postrouting priority srcnat;
    oifname "wan" ${NATS[nat]}
  }
  chain pass { type filter hook forward priority filter;
    iifname "wan" ct state new ct status & dnat != dnat drop
    ${POLICIES[policy].join('\n    ')}
  }
  chain self { type filter hook input priority filter;
    iifname "wan" ct state new drop
  }
}`;

/**
 * Forwards ports of the router to a machine inside, as a person sets it up in a home router; for those inside too, who call it by the public address.
 * @param {string} machine @param {string} address the router's, outside @param {{tcp: number, udp: number}} ports
 */
export const forwarding = (machine, address, { tcp, udp }) => `table ip forwarding {
  chain inwards { type nat hook prerouting priority dstnat;
    ip daddr ${address} tcp dport ${tcp} dnat to ${machine}
    ip daddr ${address} udp dport ${udp} dnat to ${machine}
  }
  chain back { type nat hook postrouting priority srcnat;
    iifname "lan" oifname "lan" ct status dnat masquerade
  }
}`;

/**
 * Forwards the port of web pages to the TCP port of a machine inside, and nothing else.
 * @param {string} machine @param {string} address the router's, outside @param {number} port
 */
export const onePage = (machine, address, port) => `table ip forwarding {
  chain inwards { type nat hook prerouting priority dstnat;
    ip daddr ${address} tcp dport 80 dnat to ${machine}:${port}
  }
}`;

/** One public address for one machine inside, in both directions, as clouds do. @param {string} machine @param {string} address */
export const oneToOne = (machine, address) => `table ip mapping {
  chain inwards { type nat hook prerouting priority dstnat;
    iifname "wan" ip daddr ${address} dnat to ${machine}
  }
  chain outwards { type nat hook postrouting priority srcnat;
    oifname "wan" ip saddr ${machine} snat to ${address}
  }
}`;
