// What each look at the connection means. Pure: check.ts looks.
import { isPrivate } from '../call/diagnosis';

/** What is looked at, in the order of the page. */
export const checks = ['microphone', 'camera', 'websocket', 'reach', 'clock', 'udp', 'relay-tcp', 'relay-tls', 'ipv6'] as const;
export type Check = (typeof checks)[number];

/** `note` says something without judging it; `skip`: it could not be looked at, for a reason that another line names. */
export type State = 'ok' | 'note' | 'skip' | 'warn' | 'fail';

/** Findings that are well, or say something only. */
type Fine =
  | 'device-granted' | 'device-asks' | 'websocket-ok' | 'reach-ok' | 'clock-ok' | 'udp-ok' | 'relay-ok'
  | 'ipv6-answered' | 'ipv6-here' | 'ipv6-none' | 'ipv6-server' | 'unknown';
/** Findings that need somebody to do something. */
const faults = [
  'device-insecure', 'device-denied', 'device-missing', 'websocket-refused', 'websocket-silent', 'websocket-slow', 'reach-missing', 'clock-off',
  'udp-browser', 'udp-network', 'udp-server', 'udp-addresses', 'relay-silent', 'relay-full', 'relay-refused', 'relay-off',
] as const;
export type Fault = (typeof faults)[number];
export type Cause = Fine | Fault;

/** What one look found. The parameters are what its text names. */
export interface Finding {
  check: Check;
  state: State;
  cause: Cause;
  params: Readonly<Record<string, string | number>>;
}

/** Whether there is something to do about it. */
export const isFault = (cause: Cause): cause is Fault => (faults as readonly string[]).includes(cause);

/** What the browser tells of a microphone or a camera. `permission` is undefined where it does not say. */
export interface Device {
  secure: boolean;
  permission: PermissionState | undefined;
  present: boolean;
}

export function judgeDevice(check: 'microphone' | 'camera', { secure, permission, present }: Device): Finding {
  if (!secure) return { check, state: 'fail', cause: 'device-insecure', params: {} };
  if (permission === 'denied') return { check, state: 'fail', cause: 'device-denied', params: {} };
  if (!present) return { check, state: 'warn', cause: 'device-missing', params: {} };
  return { check, state: 'ok', cause: permission === 'granted' ? 'device-granted' : 'device-asks', params: {} };
}

/** How long a message may take there and back before calls suffer too, ms. */
export const slow = 1000;

/** What became of a new WebSocket; `ms`: from a message to its answer. */
export type Trip = { opened: false } | { opened: true; ms: number | undefined };

export function judgeWebSocket(trip: Trip, host: string): Finding {
  const check = 'websocket';
  if (!trip.opened) return { check, state: 'fail', cause: 'websocket-refused', params: { host } };
  if (trip.ms === undefined) return { check, state: 'fail', cause: 'websocket-silent', params: { host } };
  return trip.ms > slow ? { check, state: 'warn', cause: 'websocket-slow', params: { ms: trip.ms } } : { check, state: 'ok', cause: 'websocket-ok', params: { ms: trip.ms } };
}

/** What the server says of how calls reach it (docs/protocol.md, section 1), and by how much this clock is ahead of its own, ms. */
export interface Reach {
  tcp: number;
  udp: number;
  /** Addresses of the machine's interfaces. */
  own: readonly string[];
  /** Addresses that the operator or a STUN server told it, and those that the name of the page leads to. */
  public: readonly string[];
  seen: readonly string[];
  heard: number;
  ahead: number;
}

/** Reads the answer of /reach, which may be anything; `now`: this clock when the server wrote it, ms since 1970. */
export function readReach(answer: unknown, now: number): Reach | undefined {
  if (typeof answer !== 'object' || answer === null) return undefined;
  const a = answer as Record<string, unknown>;
  const time = typeof a.time === 'string' ? Date.parse(a.time) : NaN;
  const { tcp, udp } = a;
  if (!isPort(tcp) || !isPort(udp) || Number.isNaN(time)) return undefined;
  return {
    tcp, udp, own: addresses(a.own), public: addresses(a.public), seen: addresses(a.seen),
    heard: typeof a.udp_heard === 'number' ? a.udp_heard : 0, ahead: now - time,
  };
}

const isPort = (n: unknown): n is number => typeof n === 'number' && Number.isInteger(n) && n > 0 && n < 65536;

/** At most so many addresses of a kind are read. */
const addressesAtMost = 16;

const addresses = (list: unknown) =>
  (Array.isArray(list) ? list : []).filter((a): a is string => typeof a === 'string' && /^[0-9a-fA-F:.]{2,45}$/.test(a)).slice(0, addressesAtMost);

export function judgeReach(reach: Reach | undefined, host: string): Finding {
  const check = 'reach';
  if (!reach) return { check, state: 'fail', cause: 'reach-missing', params: { host } };
  return { check, state: 'ok', cause: 'reach-ok', params: { udp: reach.udp, tcp: reach.tcp } };
}

/** How far two clocks may be apart, ms. */
export const apart = 120_000;

export function judgeClock(reach: Reach | undefined): Finding {
  const check = 'clock';
  if (!reach) return unknown(check);
  if (Math.abs(reach.ahead) > apart) return { check, state: 'warn', cause: 'clock-off', params: { minutes: Math.round(Math.abs(reach.ahead) / 60_000) } };
  return { check, state: 'ok', cause: 'clock-ok', params: {} };
}

/** A candidate that the browser found for itself. */
export interface Found {
  type: string;
  protocol: string;
  /** Of a candidate that a server told: as the server sees it. May be a name, or empty. */
  address: string;
}

/** What came of asking STUN and TURN servers. */
export interface Gathered {
  found: readonly Found[];
  /** The code of each URL that failed: a STUN error code (RFC 8656 section 19), or 701 where nothing answered. */
  failures: ReadonlyMap<string, number>;
  /** The browser was done before the time was over. */
  complete: boolean;
}

/**
 * Whether something answered over UDP. Where this device's address is the one that the server sees, a browser shows no candidate for it: then being done in
 * time without a failure is the sign. A relay's candidate, asked for over UDP, leaves no doubt.
 */
export function passesUDP({ found, failures, complete }: Gathered): boolean {
  if (found.some(({ type }) => type === 'srflx' || type === 'relay')) return true;
  return complete && failures.size === 0 && found.some(isUDPHost);
}

const isUDPHost = ({ type, protocol }: Found) => type === 'host' && protocol === 'udp';

/** The way of media without a relay; `asked`: whether the relay was asked over UDP too, so that silence has but one meaning. */
export function judgeUDP(reach: Reach | undefined, gathered: Gathered, host: string, asked: boolean): Finding {
  const check = 'udp';
  if (!reach) return unknown(check);
  const { udp } = reach;
  if (!gathered.found.some(({ protocol }) => protocol === 'udp')) return { check, state: 'warn', cause: 'udp-browser', params: {} };
  if (reach.public.length + reach.seen.length === 0 && reach.own.length > 0 && reach.own.every(isPrivate) && !isPrivate(host)) {
    return { check, state: 'fail', cause: 'udp-addresses', params: { addresses: reach.own.join(', '), udp } };
  }
  const passes = asked ? gathered.found.some(({ type }) => type === 'srflx' || type === 'relay') : passesUDP(gathered);
  if (passes) return { check, state: 'ok', cause: 'udp-ok', params: { host, udp } };
  return reach.heard > 0 ? { check, state: 'warn', cause: 'udp-network', params: { host, udp } } : { check, state: 'fail', cause: 'udp-server', params: { host, udp } };
}

/** One URL of the relay, asked alone: whether it gave a candidate, and the code of its failure or 0. */
export interface RelayTry {
  url: string;
  answers: boolean;
  code: number;
}

/** Allocation Quota Reached, Insufficient Capacity. */
const full = [486, 508];

/** The relay over one transport; undefined where the server lends none over it but does over another. `tries`: undefined if nobody could ask for one. */
export function judgeRelay(check: 'relay-tcp' | 'relay-tls', tries: readonly RelayTry[] | undefined, direct: boolean): Finding | undefined {
  if (!tries) return unknown(check);
  if (tries.length === 0) return check === 'relay-tcp' ? { check, state: 'warn', cause: 'relay-off', params: {} } : undefined;
  const state = direct ? 'warn' : 'fail';
  const own = tries.filter(({ url }) => url.startsWith('turns:') === (check === 'relay-tls'));
  const [first] = own;
  if (!first) return undefined;
  const good = own.find(({ answers }) => answers);
  if (good) return { check, state: 'ok', cause: 'relay-ok', params: placeOf(good.url) };
  const refused = own.find(({ code }) => code >= 400 && code < 600);
  if (refused) return { check, state, cause: full.includes(refused.code) ? 'relay-full' : 'relay-refused', params: { code: refused.code } };
  return { check, state, cause: 'relay-silent', params: placeOf(first.url) };
}

/** Host and port of `turn:host:port?transport=tcp`. */
function placeOf(url: string): { host: string; tcp: number } {
  const [, scheme, host = '', port] = /^(turns?):(\[[^\]]*\]|[^:?]*)(?::(\d+))?/.exec(url) ?? [];
  return { host, tcp: Number(port ?? (scheme === 'turns' ? 5349 : 3478)) }; // the defaults of RFC 7065 section 3.2
}

export function judgeIPv6(reach: Reach | undefined, { found }: Gathered): Finding {
  const check = 'ipv6';
  if (!reach) return unknown(check);
  const isSix = (address: string) => address.includes(':');
  const say = (state: State, cause: Cause): Finding => ({ check, state, cause, params: {} });
  if (found.some(({ type, address }) => type === 'srflx' && isSix(address))) return say('ok', 'ipv6-answered');
  if (![...reach.own, ...reach.public, ...reach.seen].some(isSix)) return say('note', 'ipv6-server');
  return say('note', found.some(({ type, address }) => type === 'host' && isSix(address)) ? 'ipv6-here' : 'ipv6-none');
}

function unknown(check: Check): Finding {
  return { check, state: 'skip', cause: 'unknown', params: {} };
}

/** What all of it means for calls. `maybe`: nothing but TCP without a relay is left, which cannot be tried outside of a call. */
export type Verdict = 'direct' | 'relay' | 'maybe' | 'none';

export function judgeAll(findings: readonly Finding[]): Verdict {
  const has = (cause: Cause) => findings.some((f) => f.cause === cause);
  if (has('websocket-refused') || has('websocket-silent')) return 'none';
  if (has('udp-ok')) return 'direct';
  if (has('relay-ok')) return 'relay';
  return has('relay-off') && !has('udp-browser') && !has('udp-addresses') ? 'maybe' : 'none';
}
