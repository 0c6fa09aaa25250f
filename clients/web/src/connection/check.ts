// “Test my connection”: looks at everything a call needs, one after the other, and shows each finding as it comes.
import { signal } from '@preact/signals';
import { iceServersOf } from '../call/relay';
import { request } from '../session/session';
import { statOf } from '../wire/failure';
import { connect } from '../wire/socket';
import { gather } from './gather';
import { judgeAll, judgeClock, judgeDevice, judgeIPv6, judgeReach, judgeRelay, judgeUDP, judgeWebSocket, readReach, type Device, type Finding, type Gathered, type Reach, type RelayTry, type Trip, type Verdict } from './judge';

/** A run of the test: what was found so far, and the verdict at its end. */
export interface Run {
  findings: readonly Finding[];
  verdict: Verdict | undefined;
  began: Date;
}

/** The last run, or the one that goes on. */
export const run = signal<Run | undefined>(undefined);
/** Whether a run goes on. */
export const running = signal(false);

/** How long the server has to answer, ms. */
const patience = 8000;

/** Runs the test, unless it runs already. */
export async function test(): Promise<void> {
  if (running.value) return;
  running.value = true;
  const findings: Finding[] = [];
  const began = new Date();
  const show = (verdict?: Verdict) => (run.value = { findings: [...findings], verdict, began });
  const add = (finding: Finding | undefined) => {
    if (finding) findings.push(finding);
    show();
  };
  show();
  try {
    const host = location.hostname;
    add(judgeDevice('microphone', await lookAtDevice('microphone')));
    add(judgeDevice('camera', await lookAtDevice('camera')));
    add(judgeWebSocket(await tripOf(), host));
    const reach = await askReach();
    add(judgeReach(reach, host));
    add(judgeClock(reach));
    const lent = await askForRelay();
    const tried = tryRelay(lent);
    const gathered = await tryUDP(reach, lent ?? []);
    add(judgeUDP(reach, gathered, host, (lent ?? []).length > 0));
    const direct = judgeAll(findings) === 'direct';
    const tries = await tried;
    add(judgeRelay('relay-tcp', tries, direct));
    add(judgeRelay('relay-tls', tries, direct));
    add(judgeIPv6(reach, gathered));
    show(judgeAll(findings));
  } finally {
    running.value = false;
  }
}

async function lookAtDevice(kind: 'microphone' | 'camera'): Promise<Device> {
  // Plain http has no mediaDevices at all, whatever the types say.
  const media = navigator.mediaDevices as MediaDevices | undefined;
  if (!window.isSecureContext || !media) return { secure: false, permission: undefined, present: false };
  const devices = await media.enumerateDevices().catch(() => []);
  const own = devices.filter((d) => d.kind === (kind === 'camera' ? 'videoinput' : 'audioinput'));
  // Not every browser knows these permissions; but only where one is given do devices have names.
  const permission = await navigator.permissions.query({ name: kind }).then(({ state }) => state, () => (own.some((d) => d.label) ? 'granted' : undefined));
  return { secure: true, permission, present: own.length > 0 };
}

/** Opens a WebSocket of its own and sends something that is refused before a login: the refusal has made the way there and back. */
function tripOf(): Promise<Trip> {
  return new Promise((resolve) => {
    let opened = false;
    const end = (trip: Trip) => {
      clearTimeout(timer);
      resolve(trip);
      socket.close();
    };
    const giveUp = () => end(opened ? { opened, ms: undefined } : { opened });
    const timer = setTimeout(giveUp, patience);
    const socket = connect('/message', {
      opened(s) {
        opened = true;
        const sent = performance.now();
        const answered = () => end({ opened: true, ms: Math.round(performance.now() - sent) });
        s.request({ message_type: 'profile', type: 'GET' }).then(answered, (error: unknown) => (statOf(error) ? answered() : giveUp()));
      },
      pushed: () => undefined,
      closed: giveUp,
    });
  });
}

async function askReach(): Promise<Reach | undefined> {
  try {
    const asked = Date.now();
    const answer = await fetch('/reach', { signal: AbortSignal.timeout(patience), cache: 'no-store' });
    const now = (asked + Date.now()) / 2;
    return answer.ok ? readReach(await answer.json(), now) : undefined;
  } catch {
    return undefined;
  }
}

/** The relay as it is lent for calls; undefined if the server does not answer. */
async function askForRelay(): Promise<RTCIceServer[] | undefined> {
  try {
    return iceServersOf((await request({ message_type: 'turn', type: 'GET' })).head);
  } catch (error) {
    return statOf(error) === 404 ? [] : undefined; // a server without a relay
  }
}

const urlsOf = ({ urls }: RTCIceServer) => (typeof urls === 'string' ? [urls] : urls);

/** Asks each URL of the relay alone, for a browser tells which one answered in its own way only. Where it has no WebRTC that says nothing of the relay. */
function tryRelay(lent: RTCIceServer[] | undefined): Promise<RelayTry[] | undefined> {
  if (!lent || !('RTCPeerConnection' in window)) return Promise.resolve(undefined);
  const all = lent.flatMap((server) => urlsOf(server).map((url) => ({ ...server, urls: [url] })));
  return Promise.all(all.map(async (server) => {
    const { found, failures } = await gather({ iceServers: [server], iceTransportPolicy: 'relay' }, ['relay']);
    return { url: server.urls[0] ?? '', answers: found.some(({ type }) => type === 'relay'), code: [...failures.values()][0] ?? 0 };
  }));
}

/** At most so many addresses are asked over UDP: browsers warn of many servers. */
const askedAtMost = 3;

/** Asks the port of calls over UDP: by STUN, which anybody may, and for a relay's address, which leaves no doubt. From two sockets, or one would take the other's answers. */
async function tryUDP(reach: Reach | undefined, lent: readonly RTCIceServer[]): Promise<Gathered> {
  if (!reach) return { found: [], failures: new Map(), complete: false };
  const hosts = [location.hostname, ...[...reach.public, ...reach.seen].map((a) => (a.includes(':') ? `[${a}]` : a))];
  const asked = [...new Set(hosts)].slice(0, askedAtMost).map((host) => `${host}:${reach.udp}`);
  const relays = lent.map((server) => ({ ...server, urls: asked.map((place) => `turn:${place}?transport=udp`) }));
  const [plain, relayed] = await Promise.all([
    gather({ iceServers: [{ urls: asked.map((place) => `stun:${place}`) }] }, []),
    relays.length > 0 ? gather({ iceServers: relays, iceTransportPolicy: 'relay' }, ['relay']) : undefined,
  ]);
  return { ...plain, found: [...plain.found, ...(relayed?.found ?? [])] };
}
