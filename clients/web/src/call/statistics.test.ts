import { describe, expect, it } from 'vitest';
import { rateOf, readStatistics, type Flow, type Stat } from './statistics';

const report: Stat[] = [
  { id: 'T', type: 'transport', timestamp: 1000, selectedCandidatePairId: 'P' },
  { id: 'P', type: 'candidate-pair', timestamp: 1000, localCandidateId: 'L', remoteCandidateId: 'R', currentRoundTripTime: 0.042, availableOutgoingBitrate: 900_000 },
  { id: 'L', type: 'local-candidate', timestamp: 1000, candidateType: 'relay', protocol: 'udp', relayProtocol: 'tls' },
  { id: 'R', type: 'remote-candidate', timestamp: 1000, port: 443 },
  { id: 'C', type: 'codec', timestamp: 1000, mimeType: 'video/VP8' },
  { id: 'O', type: 'outbound-rtp', timestamp: 1000, kind: 'video', mid: '2', rid: 'h', bytesSent: 5000, packetsSent: 50, frameWidth: 640, frameHeight: 360, framesPerSecond: 30, codecId: 'C', qualityLimitationReason: 'bandwidth' },
  { id: 'RI', type: 'remote-inbound-rtp', timestamp: 990, localId: 'O', packetsLost: 3, jitter: 0.01, roundTripTime: 0.05 },
  { id: 'I', type: 'inbound-rtp', timestamp: 1000, kind: 'audio', mid: '0', bytesReceived: 700, packetsReceived: 70, packetsLost: 7, jitter: 0.02, totalSamplesReceived: 48_000, concealedSamples: 5000, silentConcealedSamples: 1000 },
];

describe('statistics', () => {
  const { flows, path } = readStatistics(report);
  it('tell the way that is used', () => {
    expect(path).toEqual({ type: 'relay', protocol: 'udp', relay: 'tls', port: 443, roundTrip: 42, uplink: 900_000 });
  });
  it('tell it in Firefox, too', () => {
    const firefox = report.filter(({ id }) => id !== 'T').map((stat) => (stat.id === 'P' ? { ...stat, selected: true } : stat));
    expect(readStatistics(firefox).path?.port).toBe(443);
    expect(readStatistics(report.filter(({ id }) => id !== 'T')).path).toBeUndefined();
  });
  it('tell of what is sent what the server says of it', () => {
    expect(flows.find(({ sent }) => sent)).toMatchObject({ mid: '2', rid: 'h', width: 640, height: 360, fps: 30, codec: 'VP8', lost: 3, roundTrip: 50, jitter: 10, limited: 'bandwidth' });
  });
  it('tell of what arrives what is counted here', () => {
    expect(flows.find(({ sent }) => !sent)).toMatchObject({ kind: 'audio', mid: '0', rid: '', packets: 70, lost: 7, jitter: 20, concealed: 4000, codec: '', limited: 'none' });
  });
});

describe('rates', () => {
  const sound = readStatistics(report).flows.find(({ sent }) => !sent);
  if (!sound) throw new Error('the report has no sound');
  const flow = (change: Partial<Flow>): Flow => ({ ...sound, bytes: 0, packets: 0, lost: 0, samples: 0, concealed: 0, frozen: 0, time: 0, ...change });
  it('are what passed in between', () => {
    expect(rateOf(flow({}), flow({ time: 2000, bytes: 1000, packets: 90, lost: 10, samples: 100, concealed: 25, frozen: 0.5 }))).toEqual({ bitrate: 4000, lost: 0.1, concealed: 0.25, frozen: 0.25 });
  });
  it('count what was lost of what was sent as part of it', () => {
    expect(rateOf(flow({ sent: true }), flow({ sent: true, time: 1000, packets: 100, lost: 10 })).lost).toBe(0.1);
  });
  it('are nothing for what is new, and never less', () => {
    expect(rateOf(undefined, flow({ time: 10, bytes: 99 })).bitrate).toBe(0);
    expect(rateOf(flow({ bytes: 99, lost: 4 }), flow({ time: 10 }))).toEqual({ bitrate: 0, lost: 0, concealed: 0, frozen: 0 });
  });
});
