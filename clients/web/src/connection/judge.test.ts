import { describe, expect, it } from 'vitest';
import { apart, judgeAll, judgeClock, judgeDevice, judgeIPv6, judgeReach, judgeRelay, judgeUDP, judgeWebSocket, passesUDP, readReach, slow, type Cause, type Device, type Finding, type Found, type Gathered, type Reach, type RelayTry, type Trip, type Verdict } from './judge';

const HOST = 'chat.example.org';
const reach: Reach = { tcp: 443, udp: 443, own: ['10.0.0.5'], public: ['203.0.113.10'], seen: [], heard: 12, ahead: 0 };
const host: Found = { type: 'host', protocol: 'udp', address: '192.168.1.7' };
const hostTCP: Found = { type: 'host', protocol: 'tcp', address: '192.168.1.7' };
const srflx: Found = { type: 'srflx', protocol: 'udp', address: '198.51.100.7' };
const relay: Found = { type: 'relay', protocol: 'udp', address: '203.0.113.10' };
const silent = new Map([['stun:chat.example.org:443', 701]]);
const gathered = (found: readonly Found[], failures: ReadonlyMap<string, number> = new Map(), complete = true): Gathered => ({ found, failures, complete });

/** What is judged, without what the text is filled with. */
const short = ({ state, cause }: Finding) => `${state} ${cause}`;

describe('devices', () => {
  it.each<[string, Device, string]>([
    ['allowed', { secure: true, permission: 'granted', present: true }, 'ok device-granted'],
    ['not asked yet', { secure: true, permission: 'prompt', present: true }, 'ok device-asks'],
    ['a browser that does not say', { secure: true, permission: undefined, present: true }, 'ok device-asks'],
    ['refused', { secure: true, permission: 'denied', present: true }, 'fail device-denied'],
    ['refused, which hides whether there is one', { secure: true, permission: 'denied', present: false }, 'fail device-denied'],
    ['none', { secure: true, permission: 'prompt', present: false }, 'warn device-missing'],
    ['plain http', { secure: false, permission: undefined, present: false }, 'fail device-insecure'],
  ])('%s', (_, device, want) => {
    expect(short(judgeDevice('camera', device))).toBe(want);
    expect(judgeDevice('microphone', device).check).toBe('microphone');
  });
});

describe('WebSocket', () => {
  it.each<[string, Trip, string]>([
    ['answers', { opened: true, ms: 40 }, 'ok websocket-ok'],
    ['answers just in time', { opened: true, ms: slow }, 'ok websocket-ok'],
    ['answers late', { opened: true, ms: slow + 1 }, 'warn websocket-slow'],
    ['opens and is silent', { opened: true, ms: undefined }, 'fail websocket-silent'],
    ['does not open', { opened: false }, 'fail websocket-refused'],
  ])('%s', (_, trip, want) => expect(short(judgeWebSocket(trip, HOST))).toBe(want));
});

describe('the answer of /reach', () => {
  const now = Date.parse('2026-01-02T03:04:05Z');
  const answer = { time: '2026-01-02T03:04:00Z', tcp: 443, udp: 8443, tls: true, relay: 'inside', own: ['10.0.0.5'], public: ['203.0.113.10'], seen: ['2001:db8::1'], udp_heard: 7 };
  it('is read', () => {
    expect(readReach(answer, now)).toEqual({ tcp: 443, udp: 8443, own: ['10.0.0.5'], public: ['203.0.113.10'], seen: ['2001:db8::1'], heard: 7, ahead: 5000 });
  });
  it.each<[string, unknown]>([
    ['nothing', null], ['a text', 'hello'], ['a list', []], ['no ports', { ...answer, udp: undefined }], ['port 0', { ...answer, udp: 0 }], ['no port', { ...answer, tcp: 65_536 }],
    ['half a port', { ...answer, tcp: 1.5 }], ['a port in words', { ...answer, tcp: '443' }], ['no time', { ...answer, time: 'soon' }],
  ])('is refused: %s', (_, bad) => expect(readReach(bad, now)).toBeUndefined());
  it('is read without what is no address', () => {
    const own = ['10.0.0.5', 4, null, 'evil?transport=', 'x'.repeat(99), ...Array.from({ length: 40 }, () => '10.0.0.6')];
    const read = readReach({ ...answer, own, public: 'none', seen: undefined, udp_heard: 'many' }, now);
    expect(read?.own.slice(0, 2)).toEqual(['10.0.0.5', '10.0.0.6']);
    expect(read?.own).toHaveLength(16);
    expect([read?.public, read?.seen, read?.heard]).toEqual([[], [], 0]);
  });
  it('is judged', () => {
    expect(judgeReach(reach, HOST)).toEqual({ check: 'reach', state: 'ok', cause: 'reach-ok', params: { udp: 443, tcp: 443 } });
    expect(short(judgeReach(undefined, HOST))).toBe('fail reach-missing');
  });
});

describe('the clock', () => {
  it.each<[number, string, number | undefined]>([
    [0, 'ok clock-ok', undefined], [apart, 'ok clock-ok', undefined], [-apart, 'ok clock-ok', undefined],
    [apart + 1, 'warn clock-off', 2], [-600_000, 'warn clock-off', 10],
  ])('%d ms ahead', (ahead, want, minutes) => {
    const finding = judgeClock({ ...reach, ahead });
    expect([short(finding), finding.params.minutes]).toEqual([want, minutes]);
  });
  it('is not compared with nothing', () => expect(short(judgeClock(undefined))).toBe('skip unknown'));
});

describe('UDP', () => {
  it.each<[string, Gathered, boolean]>([
    ['another address is seen', gathered([host, srflx]), true],
    ['another address is seen, and one server is silent', gathered([host, srflx], silent, false), true],
    ['the same address is seen', gathered([host]), true],
    ['nothing answers in time', gathered([host], new Map(), false), false],
    ['nothing answers', gathered([host], silent), false],
    ['no UDP', gathered([hostTCP]), false],
  ])('%s', (_, seen, want) => expect(passesUDP(seen)).toBe(want));

  it.each<[string, Partial<Reach>, Gathered, boolean, string]>([
    ['passes', {}, gathered([host, srflx]), true, 'ok udp-ok'],
    ['the relay answers over it', {}, gathered([host, relay], silent), true, 'ok udp-ok'],
    ['passes, without a relay', {}, gathered([host]), false, 'ok udp-ok'],
    ['done early, but the relay was silent', {}, gathered([host]), true, 'warn udp-network'],
    ['this network', {}, gathered([host], silent), true, 'warn udp-network'],
    ['this network, without a relay', {}, gathered([host], new Map(), false), false, 'warn udp-network'],
    ['the server', { heard: 0 }, gathered([host], silent), true, 'fail udp-server'],
    ['the browser', {}, gathered([]), true, 'warn udp-browser'],
    ['the browser, with TCP left', {}, gathered([hostTCP]), true, 'warn udp-browser'],
    ['private addresses only', { public: [] }, gathered([host, srflx]), true, 'fail udp-addresses'],
    ['private, but the name leads there', { public: [], seen: ['10.0.0.5'] }, gathered([host, srflx]), true, 'ok udp-ok'],
  ])('%s', (_, more, seen, asked, want) => expect(short(judgeUDP({ ...reach, ...more }, seen, HOST, asked))).toBe(want));

  it('within a network private addresses are right', () => {
    expect(short(judgeUDP({ ...reach, public: [] }, gathered([host, srflx]), '10.0.0.5', true))).toBe('ok udp-ok');
  });
  it('names the host and the port', () => expect(judgeUDP({ ...reach, udp: 8443 }, gathered([host], silent), HOST, true).params).toEqual({ host: HOST, udp: 8443 }));
  it('is not tried without ports', () => expect(short(judgeUDP(undefined, gathered([]), HOST, true))).toBe('skip unknown'));
});

describe('the relay', () => {
  const tcp = (more: Partial<RelayTry> = {}): RelayTry => ({ url: 'turn:chat.example.org:8080?transport=tcp', answers: false, code: 0, ...more });
  const tls = (more: Partial<RelayTry> = {}): RelayTry => ({ ...tcp(more), url: 'turns:chat.example.org:443?transport=tcp' });
  it.each<[string, 'relay-tcp' | 'relay-tls', RelayTry[] | undefined, boolean, string | undefined]>([
    ['answers', 'relay-tcp', [tcp({ answers: true })], true, 'ok relay-ok'],
    ['answers over TLS', 'relay-tls', [tls({ answers: true })], false, 'ok relay-ok'],
    ['only TLS is lent', 'relay-tcp', [tls({ answers: true })], false, undefined],
    ['only TCP is lent', 'relay-tls', [tcp({ answers: true })], false, undefined],
    ['one of two answers', 'relay-tcp', [tcp({ code: 701 }), tcp({ answers: true })], true, 'ok relay-ok'],
    ['silent, but UDP passes', 'relay-tcp', [tcp({ code: 701 })], true, 'warn relay-silent'],
    ['silent, and UDP does not pass', 'relay-tcp', [tcp()], false, 'fail relay-silent'],
    ['full', 'relay-tls', [tls({ code: 486 })], false, 'fail relay-full'],
    ['no room', 'relay-tls', [tls({ code: 508 })], true, 'warn relay-full'],
    ['no such user', 'relay-tcp', [tcp({ code: 401 })], false, 'fail relay-refused'],
    ['none', 'relay-tcp', [], true, 'warn relay-off'],
    ['none over TLS either', 'relay-tls', [], true, undefined],
    ['nobody could ask', 'relay-tcp', undefined, true, 'skip unknown'],
  ])('%s', (_, check, tries, direct, want) => {
    const finding = judgeRelay(check, tries, direct);
    expect(finding && short(finding)).toBe(want);
  });
  it.each<[string, Record<string, string | number>]>([
    ['turn:chat.example.org:8080?transport=tcp', { host: HOST, tcp: 8080 }],
    ['turn:[2001:db8::1]:8080?transport=tcp', { host: '[2001:db8::1]', tcp: 8080 }],
    ['turn:chat.example.org?transport=tcp', { host: HOST, tcp: 3478 }],
  ])('its place is named: %s', (url, params) => expect(judgeRelay('relay-tcp', [tcp({ url })], true)?.params).toEqual(params));
});

describe('IPv6', () => {
  const six = (type: string): Found => ({ type, protocol: 'udp', address: '2001:db8::7' });
  const withSix: Reach = { ...reach, public: ['203.0.113.10', '2001:db8::1'] };
  it.each<[string, Reach | undefined, Found[], string]>([
    ['answers', withSix, [six('host'), six('srflx')], 'ok ipv6-answered'],
    ['this device has it', withSix, [six('host'), srflx], 'note ipv6-here'],
    ['this device shows none', withSix, [host, srflx], 'note ipv6-none'],
    ['the server has none', reach, [six('host')], 'note ipv6-server'],
    ['unknown', undefined, [], 'skip unknown'],
  ])('%s', (_, r, found, want) => expect(short(judgeIPv6(r, gathered(found)))).toBe(want));
});

describe('the verdict', () => {
  const of = (...causes: Cause[]): Finding[] => causes.map((cause) => ({ check: 'udp', state: 'ok', cause, params: {} }));
  it.each<[string, Finding[], Verdict]>([
    ['UDP passes', of('websocket-ok', 'udp-ok', 'relay-ok'), 'direct'],
    ['UDP passes, the relay is silent', of('websocket-ok', 'udp-ok', 'relay-silent'), 'direct'],
    ['the relay only', of('websocket-ok', 'udp-network', 'relay-ok'), 'relay'],
    ['one of two relays', of('udp-browser', 'relay-silent', 'relay-ok'), 'relay'],
    ['the server does not say, the relay answers', of('reach-missing', 'unknown', 'relay-ok'), 'relay'],
    ['neither', of('udp-network', 'relay-silent'), 'none'],
    ['no relay, UDP blocked', of('udp-network', 'relay-off'), 'maybe'],
    ['no relay, and the browser keeps calls off', of('udp-browser', 'relay-off'), 'none'],
    ['no relay, and private addresses', of('udp-addresses', 'relay-off'), 'none'],
    ['no connection to call by', of('websocket-refused', 'udp-ok'), 'none'],
    ['a connection that carries nothing', of('websocket-silent', 'udp-ok'), 'none'],
    ['nothing known', of('reach-missing', 'unknown'), 'none'],
  ])('%s', (_, findings, want) => expect(judgeAll(findings)).toBe(want));
});
