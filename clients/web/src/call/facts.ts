// What a PeerConnection tells of the way to the server and of what flows on it.
import { offeredIn, type Way } from './diagnosis';
import { readStatistics, type Snapshot, type Stat } from './statistics';

/** One look at a PeerConnection. */
export interface Look {
  way: Way;
  /** Bytes by the mid of their section, as far as the browser counts them. */
  sent: ReadonlyMap<string, number>;
  received: ReadonlyMap<string, number>;
  statistics: Snapshot;
}

/** Keeps what only events tell, from the making of a PeerConnection on; gives a function that looks at it. */
export function watchFacts(pc: RTCPeerConnection): () => Promise<Look> {
  const gathered = new Set<string>();
  const failures = new Map<string, number>();
  pc.addEventListener('icecandidate', ({ candidate }) => {
    if (!candidate?.candidate) return;
    gathered.add(`${candidate.type} ${candidate.protocol}`);
    if (candidate.type === 'relay') failures.clear();
  });
  pc.addEventListener('icecandidateerror', ({ url, errorCode }) => failures.set(url, errorCode));

  return async () => {
    const stats = await pc.getStats();
    const all = [...(stats.values() as Iterable<Stat>)];
    const statistics = readStatistics(all);
    const protocolOf = (id: unknown) => (stats.get(String(id)) as Stat | undefined)?.protocol;
    const udp = all.filter((s) => s.type === 'candidate-pair' && protocolOf(s.remoteCandidateId) === 'udp');
    return {
      way: {
        ice: pc.iceConnectionState,
        connection: pc.connectionState,
        gathered: [...gathered],
        offered: offeredIn(pc.remoteDescription?.sdp ?? ''),
        answered: udp.reduce((sum, pair) => sum + Number(pair.responsesReceived ?? 0), 0),
        relay: (pc.getConfiguration().iceServers ?? []).flatMap(({ urls }) => urls),
        failures,
      },
      sent: byMid(statistics, true),
      received: byMid(statistics, false),
      statistics,
    };
  };
}

function byMid({ flows }: Snapshot, sent: boolean): Map<string, number> {
  const sums = new Map<string, number>();
  for (const flow of flows) {
    if (flow.sent === sent && flow.mid) sums.set(flow.mid, (sums.get(flow.mid) ?? 0) + flow.bytes);
  }
  return sums;
}
