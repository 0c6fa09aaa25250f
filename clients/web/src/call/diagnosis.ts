// Why no media flows in a call, from what the browser tells of it. Pure: watch.ts gathers the facts and keeps the time.

/** How long media may be missing before one says why, ms. */
export const patience = 8000;

/** A transport address that the server offers. */
export interface Offered {
  protocol: string;
  address: string;
  port: number;
}

/** What the PeerConnection tells of the way to the server. */
export interface Way {
  ice: RTCIceConnectionState;
  /** The state of ICE and encryption together. */
  connection: RTCPeerConnectionState;
  /** Types and protocols of one's own candidates, `host udp`. */
  gathered: readonly string[];
  /** The server's candidates; empty before its answer. */
  offered: readonly Offered[];
  /** Connectivity checks over UDP that were answered. */
  answered: number;
  /** The URLs of the relay that was lent; none without one. */
  relay: readonly string[];
  /** What became of each URL that failed: a STUN error code (RFC 8656 section 19), or 701 where nothing answered. */
  failures: ReadonlyMap<string, number>;
}

/** One's own device that is on: for how long nothing of it leaves, ms, and whether the system gives silence instead. */
export interface OwnMedia {
  source: 'microphone' | 'camera';
  still: number;
  mutedBySystem: boolean;
}

/** Somebody else with an open microphone or camera: for how long nothing of them arrives, ms. */
export interface OthersMedia {
  user_account: string;
  still: number;
}

/** All there is to judge by. */
export interface Facts {
  /** The host of the page, without its port. */
  host: string;
  /** For how long there is no encrypted way to the server, ms. */
  wayless: number;
  way: Way;
  own: readonly OwnMedia[];
  others: readonly OthersMedia[];
}

/** Why media is missing, and what helps to tell somebody who can mend it. */
export type Cause =
  /** The server has not answered the offer. */
  | { name: 'unanswered' }
  /** The browser has no candidates, or none but TCP: it keeps calls off the network. */
  | { name: 'browser' }
  /** The server offers nothing that exists outside of its own network. */
  | { name: 'addresses'; addresses: string; udp: number }
  | { name: 'relay-full' | 'relay-refused'; code: number }
  /** UDP does not pass, and there is no relay. */
  | { name: 'no-relay'; host: string; udp: number }
  /** Neither UDP nor the relay passes. */
  | { name: 'network'; host: string; udp: number; tcp: number }
  /** There is a way, but DTLS does not get through it. */
  | { name: 'encryption' }
  | { name: 'own-muted' | 'own-still'; source: 'microphone' | 'camera' }
  | { name: 'others'; accounts: readonly string[] };

/** Says why media is missing for longer than patience; undefined while it is not. */
export function diagnose(facts: Facts): Cause | undefined {
  if (facts.wayless >= patience) return whyNoWay(facts);
  if (facts.wayless > 0) return undefined;
  const muted = facts.own.find(({ mutedBySystem, still }) => mutedBySystem && still >= patience);
  if (muted) return { name: 'own-muted', source: muted.source };
  const unsent = facts.own.find(({ still }) => still >= patience);
  if (unsent) return { name: 'own-still', source: unsent.source };
  const silent = facts.others.filter(({ still }) => still >= patience);
  return silent.length > 0 ? { name: 'others', accounts: silent.map(({ user_account }) => user_account) } : undefined;
}

function whyNoWay({ host, way }: Facts): Cause {
  if (way.ice === 'connected' || way.ice === 'completed') return { name: 'encryption' };
  if (!way.gathered.some((own) => own.endsWith('udp'))) return { name: 'browser' };
  if (way.offered.length === 0) return { name: 'unanswered' };
  const udp = portOf(way.offered, 'udp');
  const inner = [...new Set(way.offered.map(({ address }) => address))];
  if (inner.every(isPrivate) && !isPrivate(host) && way.answered === 0) return { name: 'addresses', addresses: inner.join(', '), udp };
  const refusal = refusalOf(way);
  if (refusal) return { name: full.includes(refusal) ? 'relay-full' : 'relay-refused', code: refusal };
  if (way.relay.length === 0 && way.answered === 0) return { name: 'no-relay', host, udp };
  return { name: 'network', host, udp, tcp: portOf(way.offered, 'tcp') || relayPort(way.relay) };
}

/** Allocation Quota Reached, Insufficient Capacity. */
const full = [486, 508];

/** The code with which the relay said no; 0 if it gave a candidate, or was not reached. */
function refusalOf({ gathered, failures }: Way): number {
  if (gathered.some((own) => own.startsWith('relay'))) return 0;
  return [...failures.values()].find((code) => code >= 400 && code < 600) ?? 0;
}

const portOf = (offered: readonly Offered[], protocol: string) => offered.find((o) => o.protocol === protocol)?.port ?? 0;

/** The port in `turn:host:port?transport=tcp`; 0 without one. */
const relayPort = (urls: readonly string[]) => Number(urls.map((url) => /:(\d+)(\?|$)/.exec(url)?.[1]).find(Boolean) ?? 0);

/** The server's candidates in its answer (RFC 8839 section 5.1). */
export function offeredIn(sdp: string): Offered[] {
  const lines = sdp.matchAll(/^a=candidate:\S+ \d+ (\S+) \d+ (\S+) (\d+) typ /gm);
  const all = [...lines].map(([, protocol = '', address = '', port = '']) => ({ protocol: protocol.toLowerCase(), address, port: Number(port) }));
  return all.filter((one, n) => all.findIndex((o) => o.protocol === one.protocol && o.address === one.address && o.port === one.port) === n);
}

/** Addresses that mean something within a machine or a network only (RFC 1918, 3927, 4193, 6598), and the names people give there. */
const inside = [
  /^127\./, /^10\./, /^192\.168\./, /^172\.(1[6-9]|2\d|3[01])\./, /^169\.254\./, /^100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\./,
  /^::1$/, /^f[cd][0-9a-f]{2}:/i, /^fe[89ab][0-9a-f]:/i,
  /^[^.:]+$/, /\.(local|localhost|lan|internal|intranet|home|home\.arpa)$/i,
];

/** Whether an address or a host means nothing outside of its own network. */
export function isPrivate(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '');
  return inside.some((form) => form.test(bare));
}

/** How often something was counted, and for how long that has not changed, ms. */
export interface Still {
  count: number;
  still: number;
}

/** The clocks after `passed` ms: what is counted now stands still, or moved; what is not counted any more is forgotten. */
export function advance(before: ReadonlyMap<string, Still>, counts: ReadonlyMap<string, number>, passed: number): Map<string, Still> {
  const after = new Map<string, Still>();
  for (const [key, count] of counts) {
    const known = before.get(key);
    after.set(key, { count, still: known && known.count !== count ? 0 : (known?.still ?? 0) + passed });
  }
  return after;
}
