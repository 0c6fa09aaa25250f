// The one PeerConnection of a call. Only this side makes offers (docs/protocol.md, section 8, Media).
import type { Answer, Fields } from '../wire/socket';
import { statOf } from '../wire/failure';
import { prefer } from './codecs';
import { watchFacts, type Look } from './facts';
import { createNegotiator, type Flowing } from './negotiator';
import { askRelay } from './relay';
import { createPublications, type Publications } from './publications';

/** What the peer needs of the call it belongs to. */
export interface PeerOwner {
  connection_key: string;
  request: (fields: Fields) => Promise<Answer>;
  /** How media flows. */
  flowing: (how: Flowing) => void;
  /** The server no longer knows this participant: join again. */
  unknown: () => void;
}

/** The media side of a call. */
export interface Peer extends Pick<Publications, 'publish' | 'change' | 'unpublish' | 'want' | 'has' | 'midOf'> {
  /** Begins to negotiate, with the relay that was lent; before that nothing is sent. */
  start: (iceServers: RTCIceServer[]) => void;
  /** Makes sure there are at least so many sections to receive in. */
  sections: (audio: number, video: number) => void;
  /** What arrives in a section. */
  trackOf: (mid: string) => MediaStreamTrack | undefined;
  /** Restarts ICE: the network changed. */
  restart: () => void;
  /** Goes on after the connection to the server was lost and `restart` answered 200. */
  resume: () => void;
  /** How the way to the server is, and what flows on it. */
  look: () => Promise<Look>;
  close: () => void;
}

/** Makes the PeerConnection of a call. */
export function createPeer(owner: PeerOwner): Peer {
  const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  const look = watchFacts(pc);
  const request = (fields: Fields) => owner.request({ ...fields, connection_key: owner.connection_key });
  const publications = createPublications(pc, request, () => negotiator.want());
  const negotiator = createNegotiator({
    pc,
    describe: request,
    offered: publications.announce,
    flowing: owner.flowing,
    unknown: owner.unknown,
    async renew() {
      const servers = await askRelay(owner.request);
      if (servers && pc.signalingState !== 'closed') pc.setConfiguration({ ...pc.getConfiguration(), iceServers: servers });
    },
  });

  pc.onicecandidate = ({ candidate }) => {
    if (candidate?.candidate === '') return; // the end is told once, by null
    request({
      message_type: 'candidate',
      candidate: candidate?.candidate ?? '',
      mid: candidate?.sdpMid ?? undefined,
      mline: candidate?.sdpMLineIndex ?? undefined,
    }).catch((error: unknown) => {
      if (statOf(error) !== 0) console.warn('candidate', error);
    });
  };

  function grow(kind: 'audio' | 'video', wish: number): boolean {
    const have = pc.getTransceivers().filter((x) => x.direction === 'recvonly' && x.receiver.track.kind === kind).length;
    for (let n = have; n < wish; n++) prefer(pc.addTransceiver(kind, { direction: 'recvonly' }), kind);
    return have < wish;
  }

  return {
    start(iceServers) {
      pc.setConfiguration({ ...pc.getConfiguration(), iceServers });
      negotiator.start();
    },
    publish: publications.publish,
    change: publications.change,
    unpublish: publications.unpublish,
    want: publications.want,
    has: publications.has,
    midOf: publications.midOf,
    sections(audio, video) {
      const grown = [grow('audio', audio), grow('video', video)];
      if (grown.includes(true)) negotiator.want();
    },
    trackOf: (mid) => pc.getTransceivers().find((x) => x.mid === mid)?.receiver.track,
    restart: negotiator.restart,
    resume() {
      publications.repeat();
      negotiator.resume();
    },
    look,
    close() {
      negotiator.stop();
      pc.close();
    },
  };
}
