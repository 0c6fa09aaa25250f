// What a PeerConnection's statistics say of each track and of the way to the server (W3C webrtc-stats). Pure.

/** The parts of the statistics that are read. */
export interface Stat {
  id: string;
  type: string;
  timestamp: number;
  [key: string]: unknown;
}

/** One stream: a track, or one of the layers it is sent in. Counters grow; the rest is as it is now. */
export interface Flow {
  id: string;
  /** The section it is in. */
  mid: string;
  /** The layer's name; '' for a track in one piece. */
  rid: string;
  kind: 'audio' | 'video';
  sent: boolean;
  time: number;
  bytes: number;
  packets: number;
  /** Packets lost: counted here of what is received, told by the server of what is sent. */
  lost: number;
  /** ms; 0 where it is not told. */
  jitter: number;
  roundTrip: number;
  width: number;
  height: number;
  fps: number;
  codec: string;
  /** Why a picture is sent smaller than it could be. */
  limited: 'none' | 'bandwidth' | 'cpu' | 'other';
  /** Of received sound: samples that came, and those that were made up for missing ones. */
  samples: number;
  concealed: number;
  /** Of received pictures: for how long they stood still, s. */
  frozen: number;
}

/** The way to the server that is used. */
export interface Path {
  /** `host`, `srflx`, `prflx` or `relay`. */
  type: string;
  protocol: string;
  /** How the relay is reached; '' without one. */
  relay: string;
  /** The server's port that is used; 0 where it is not told. */
  port: number;
  /** ms; 0 where it is not told. */
  roundTrip: number;
  /** What the browser thinks it can send, bit/s; 0 where it is not told. */
  uplink: number;
}

/** One look at the statistics. */
export interface Snapshot {
  flows: readonly Flow[];
  path: Path | undefined;
}

const num = (stat: Stat | undefined, key: string) => (typeof stat?.[key] === 'number' ? stat[key] : 0);
const text = (stat: Stat | undefined, key: string) => (typeof stat?.[key] === 'string' ? stat[key] : '');

/** Reads a report. */
export function readStatistics(report: Iterable<Stat>): Snapshot {
  const all = new Map<string, Stat>();
  for (const stat of report) all.set(stat.id, stat);
  const list = [...all.values()];
  return {
    flows: list.filter(({ type }) => type === 'inbound-rtp' || type === 'outbound-rtp').map((stat) => readFlow(stat, all, list)),
    path: readPath(all, list),
  };
}

function readFlow(stat: Stat, all: ReadonlyMap<string, Stat>, list: readonly Stat[]): Flow {
  const sent = stat.type === 'outbound-rtp';
  const told = sent ? list.find((other) => other.type === 'remote-inbound-rtp' && text(other, 'localId') === stat.id) : stat;
  const limited = text(stat, 'qualityLimitationReason');
  return {
    id: stat.id,
    mid: text(stat, 'mid'),
    rid: text(stat, 'rid'),
    kind: text(stat, 'kind') === 'audio' ? 'audio' : 'video',
    sent,
    time: stat.timestamp,
    bytes: num(stat, sent ? 'bytesSent' : 'bytesReceived'),
    packets: num(stat, sent ? 'packetsSent' : 'packetsReceived'),
    lost: num(told, 'packetsLost'),
    jitter: num(told, 'jitter') * 1000,
    roundTrip: sent ? num(told, 'roundTripTime') * 1000 : 0,
    width: num(stat, 'frameWidth'),
    height: num(stat, 'frameHeight'),
    fps: num(stat, 'framesPerSecond'),
    codec: text(all.get(text(stat, 'codecId')), 'mimeType').replace(/^.*\//, ''),
    limited: limited === 'bandwidth' || limited === 'cpu' || limited === 'other' ? limited : 'none',
    samples: num(stat, 'totalSamplesReceived'),
    concealed: num(stat, 'concealedSamples') - num(stat, 'silentConcealedSamples'),
    frozen: num(stat, 'totalFreezesDuration'),
  };
}

function readPath(all: ReadonlyMap<string, Stat>, list: readonly Stat[]): Path | undefined {
  const transport = list.find(({ type }) => type === 'transport');
  // Firefox marks the pair instead of naming it.
  const pair = all.get(text(transport, 'selectedCandidatePairId')) ?? list.find((stat) => stat.type === 'candidate-pair' && stat.selected === true);
  if (!pair) return undefined;
  const [local, remote] = [all.get(text(pair, 'localCandidateId')), all.get(text(pair, 'remoteCandidateId'))];
  return {
    type: text(local, 'candidateType'),
    protocol: text(local, 'protocol'),
    relay: text(local, 'relayProtocol'),
    port: num(remote, 'port'),
    roundTrip: num(pair, 'currentRoundTripTime') * 1000,
    uplink: num(pair, 'availableOutgoingBitrate'),
  };
}

/** What passed between two looks at a stream. */
export interface Rate {
  /** bit/s */
  bitrate: number;
  /** The part of the packets that was lost, 0 to 1. */
  lost: number;
  /** The part of the sound that was made up, 0 to 1. */
  concealed: number;
  /** The part of the time in which the picture stood still, 0 to 1. */
  frozen: number;
}

/** What passed from one look to the next; nothing where the stream is new. */
export function rateOf(before: Flow | undefined, now: Flow): Rate {
  const ms = now.time - (before?.time ?? now.time);
  if (!before || ms <= 0) return { bitrate: 0, lost: 0, concealed: 0, frozen: 0 };
  const grown = (key: 'bytes' | 'packets' | 'lost' | 'samples' | 'concealed' | 'frozen') => Math.max(0, now[key] - before[key]);
  const part = (some: number, all: number) => (all > 0 ? Math.min(1, some / all) : 0);
  return {
    bitrate: (grown('bytes') * 8000) / ms,
    // Of what is sent, what was lost is among what was sent.
    lost: part(grown('lost'), grown('packets') + (now.sent ? 0 : grown('lost'))),
    concealed: part(grown('concealed'), grown('samples')),
    frozen: part(grown('frozen') * 1000, ms),
  };
}
