import { describe, expect, it } from 'vitest';
import type { Flow, Path } from '../../call/statistics';
import { figuresOf, figuresOfPath, partText, pathText, rateText } from './figures';

const flow: Flow = {
  id: 'I', mid: '1', rid: '', kind: 'video', sent: false, time: 0, bytes: 0, packets: 0, lost: 0, jitter: 3.4, roundTrip: 0, width: 640, height: 360, fps: 29.6, codec: 'VP8',
  limited: 'none', samples: 0, concealed: 0, frozen: 0,
};
const rate = { bitrate: 612_000, lost: 0.013, concealed: 0, frozen: 0 };
const path: Path = { type: 'host', protocol: 'udp', relay: '', port: 8080, roundTrip: 12.3, uplink: 0 };

const read = (figures: readonly (readonly [string, string])[]) => figures.map((figure) => figure.join(' ')).join(', ');

describe('figures', () => {
  it('of a picture that arrives', () => {
    expect(read(figuresOf(flow, rate, '640x384'))).toBe(
      'stat_size 640×360, stat_asked 640×384, stat_fps 30, stat_bitrate 612 kbit/s, stat_loss 1.3 %, stat_jitter 3 ms, stat_frozen 0 %, stat_codec VP8',
    );
  });
  it('of a layer that is sent', () => {
    expect(read(figuresOf({ ...flow, sent: true, rid: 'h', roundTrip: 0 }, rate, ''))).toBe(
      'stat_size 640×360, stat_fps 30, stat_bitrate 612 kbit/s, stat_loss 1.3 %, stat_jitter 3 ms, stat_round_trip –, stat_codec VP8, stat_layer h',
    );
  });
  it('of sound', () => {
    expect(read(figuresOf({ ...flow, kind: 'audio', codec: 'opus' }, rate, ''))).toBe('stat_bitrate 612 kbit/s, stat_loss 1.3 %, stat_jitter 3 ms, stat_concealed 0 %, stat_codec opus');
  });
  it('of the path', () => {
    expect(read(figuresOfPath(path))).toBe('stat_round_trip 12 ms, stat_port 8080');
    expect(read(figuresOfPath({ ...path, roundTrip: 0, port: 0, uplink: 1_250_000 }))).toBe('stat_round_trip –, stat_uplink 1.3 Mbit/s');
  });
});

it.each([
  [{ type: 'host', protocol: 'udp' }, 'path_udp'],
  [{ type: 'prflx', protocol: 'tcp' }, 'path_tcp'],
  [{ type: 'relay', protocol: 'udp', relay: 'tls' }, 'path_relay_tls'],
  [{ type: 'relay', protocol: 'udp', relay: 'tcp' }, 'path_relay_tcp'],
])('the path %j is called %s', (change, key) => expect(pathText({ ...path, ...change })).toBe(key));

it('units are those people know', () => {
  expect([rateText(999), rateText(2_500_000), partText(0), partText(0.004), partText(0.5)]).toEqual(['1 kbit/s', '2.5 Mbit/s', '0 %', '0.4 %', '50 %']);
});
