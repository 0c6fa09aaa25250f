import { describe, expect, it } from 'vitest';
import { advance, diagnose, isPrivate, offeredIn, patience, type Cause, type Facts, type Still, type Way } from './diagnosis';

const udp = (address: string, port = 8080) => ({ protocol: 'udp', address, port });
const tcp = (address: string, port = 8080) => ({ protocol: 'tcp', address, port });
const LENT = ['turn:chat.example.org:8443?transport=tcp'];

/** A call that is stuck between checks that nobody answers, as behind a firewall. */
const stuck: Way = {
  ice: 'checking', connection: 'connecting', gathered: ['host udp', 'host tcp'], offered: [udp('203.0.113.10'), tcp('203.0.113.10')],
  answered: 0, relay: LENT, failures: new Map(),
};
const good: Way = { ...stuck, ice: 'connected', connection: 'connected', answered: 9 };

const wayless = (way: Partial<Way>, host = 'chat.example.org'): Facts => ({ host, wayless: patience, way: { ...stuck, ...way }, own: [], others: [] });
const connected = (own: Facts['own'], others: Facts['others'] = []): Facts => ({ host: 'chat.example.org', wayless: 0, way: good, own, others });

describe('diagnosis without a way', () => {
  const host = 'chat.example.org';
  const failed = (code: number) => new Map([[LENT[0] ?? '', code]]);
  it.each<[string, Facts, Cause]>([
    ['a firewall; the relay hangs', wayless({}), { name: 'network', host, udp: 8080, tcp: 8080 }],
    ['a firewall; the relay cannot be reached', wayless({ ice: 'failed', failures: failed(701) }), { name: 'network', host, udp: 8080, tcp: 8080 }],
    ['no ICE over TCP: the port is the relay’s', wayless({ offered: [udp('203.0.113.10')] }), { name: 'network', host, udp: 8080, tcp: 8443 }],
    ['media that flowed once', wayless({ ice: 'disconnected', connection: 'disconnected', gathered: ['host udp', 'relay udp'], answered: 30 }), { name: 'network', host, udp: 8080, tcp: 8080 }],
    ['a firewall, no relay', wayless({ relay: [] }), { name: 'no-relay', host, udp: 8080 }],
    ['no relay, but UDP once passed', wayless({ relay: [], answered: 3 }), { name: 'network', host, udp: 8080, tcp: 8080 }],
    ['the relay is full', wayless({ failures: failed(486) }), { name: 'relay-full', code: 486 }],
    ['the relay has no room', wayless({ failures: failed(508) }), { name: 'relay-full', code: 508 }],
    ['the relay knows no such user', wayless({ failures: failed(401) }), { name: 'relay-refused', code: 401 }],
    ['the relay forbids', wayless({ failures: failed(403) }), { name: 'relay-refused', code: 403 }],
    ['one URL of the relay refused, the other gave a candidate', wayless({ gathered: ['host udp', 'relay udp'], failures: failed(403) }), { name: 'network', host, udp: 8080, tcp: 8080 }],
    ['a container', wayless({ offered: [udp('172.17.0.2'), tcp('172.17.0.2')] }), { name: 'addresses', addresses: '172.17.0.2', udp: 8080 }],
    ['a container, whose relay refuses too', wayless({ offered: [udp('172.17.0.2', 9000), udp('fd00::2', 9000)], failures: failed(403) }), { name: 'addresses', addresses: '172.17.0.2, fd00::2', udp: 9000 }],
    ['the same addresses, seen from inside', wayless({ offered: [udp('192.168.1.10')] }, '192.168.1.10'), { name: 'network', host: '192.168.1.10', udp: 8080, tcp: 8443 }],
    ['one of the addresses is public', wayless({ offered: [udp('172.17.0.2'), udp('203.0.113.10')] }), { name: 'network', host, udp: 8080, tcp: 8443 }],
    ['no candidates', wayless({ ice: 'new', connection: 'new', gathered: [] }), { name: 'browser' }],
    ['nothing but TCP, which does not pass', wayless({ gathered: ['host tcp'] }), { name: 'browser' }],
    ['no answer', wayless({ ice: 'new', connection: 'new', offered: [] }), { name: 'unanswered' }],
    ['DTLS hangs', wayless({ ice: 'connected', answered: 5 }), { name: 'encryption' }],
    ['DTLS failed', wayless({ ice: 'completed', connection: 'failed', answered: 5 }), { name: 'encryption' }],
  ])('%s', (_, facts, cause) => expect(diagnose(facts)).toEqual(cause));

  it('waits', () => {
    expect(diagnose({ ...wayless({}), wayless: patience - 1 })).toBeUndefined();
    expect(diagnose({ ...wayless({}), wayless: 1000, others: [{ user_account: 'ben', still: 60_000 }] })).toBeUndefined();
  });
});

describe('diagnosis with a way', () => {
  const flows = { source: 'microphone', still: 0, mutedBySystem: false } as const;
  it.each<[string, Facts, Cause | undefined]>([
    ['all flows', connected([flows], [{ user_account: 'ben', still: 1000 }]), undefined],
    ['nobody has anything on', connected([], []), undefined],
    ['one of three is silent', connected([flows], [{ user_account: 'ben', still: 0 }, { user_account: 'cat', still: patience }, { user_account: 'dan', still: 0 }]), { name: 'others', accounts: ['cat'] }],
    ['two are silent', connected([flows], [{ user_account: 'ben', still: patience }, { user_account: 'cat', still: 20_000 }]), { name: 'others', accounts: ['ben', 'cat'] }],
    ['the system mutes the microphone', connected([{ ...flows, still: patience, mutedBySystem: true }]), { name: 'own-muted', source: 'microphone' }],
    ['it did so a moment ago', connected([{ ...flows, still: 2000, mutedBySystem: true }]), undefined],
    ['the picture does not leave', connected([flows, { source: 'camera', still: patience, mutedBySystem: false }]), { name: 'own-still', source: 'camera' }],
    ['one’s own trouble comes first', connected([{ ...flows, still: patience }], [{ user_account: 'ben', still: patience }]), { name: 'own-still', source: 'microphone' }],
  ])('%s', (_, facts, cause) => expect(diagnose(facts)).toEqual(cause));
});

describe('the server’s candidates', () => {
  it('are read from its answer, each once though every section has them', () => {
    const lines = ['a=candidate:1 1 udp 2130706431 172.17.0.2 8080 typ host', 'a=candidate:added0t 1 TCP 1518280703 2001:db8::1 443 typ host tcptype passive', 'a=end-of-candidates'];
    expect(offeredIn(['v=0', 'm=audio 9 x', ...lines, 'm=video 9 x', ...lines, ''].join('\r\n'))).toEqual([udp('172.17.0.2'), tcp('2001:db8::1', 443)]);
    expect(offeredIn('')).toEqual([]);
  });
  it.each(['127.0.0.1', '10.1.2.3', '172.16.0.1', '172.31.255.1', '192.168.0.9', '169.254.1.1', '100.64.0.1', '100.127.0.1', '::1', '[::1]', 'fd12:3456::1', 'fe80::1', 'localhost', 'nas', 'nas.local', 'chat.home.arpa'])(
    '%s is known inside only', (host) => expect(isPrivate(host)).toBe(true));
  it.each(['203.0.113.10', '172.32.0.1', '172.15.0.1', '100.63.0.1', '100.128.0.1', '11.0.0.1', '2001:db8::1', '[2001:db8::1]', 'chat.example.org', 'local.example.org', 'fdic.example.org'])(
    '%s is known everywhere', (host) => expect(isPrivate(host)).toBe(false));
});

describe('clocks', () => {
  const at = (...counts: number[]) => counts.reduce<Map<string, Still>>((clocks, count) => advance(clocks, new Map([['a', count]]), 1000), new Map()).get('a')?.still;
  it('run while a count stands still and begin anew when it moves', () => {
    expect(at(0)).toBe(1000);
    expect(at(0, 0, 0)).toBe(3000);
    expect(at(0, 0, 5)).toBe(0);
    expect(at(0, 5, 5)).toBe(1000);
  });
  it('forget what is not counted any more', () => expect(advance(new Map([['a', { count: 1, still: 9000 }]]), new Map(), 1000).size).toBe(0));
});
