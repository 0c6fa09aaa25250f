// Offers and answers, one at a time, across lost connections and changed networks.
import type { Answer, Fields } from '../wire/socket';
import { statOf } from '../wire/failure';
import { notifyFailure } from '../ui/notice';

/** Media flows; or its path is broken and may come back; or another is looked for. */
export type Flowing = 'yes' | 'waiting' | 'rerouting';

/** What negotiating needs to know. */
export interface NegotiatorOwner {
  pc: RTCPeerConnection;
  /** Sends a description and waits for its answer. */
  describe: (fields: Fields) => Promise<Answer>;
  /** Called with every offer, before it is sent: mids are known now. */
  offered: () => void;
  /** How media flows. */
  flowing: (how: Flowing) => void;
  /** The server no longer knows this participant. */
  unknown: () => void;
  /** Before ICE begins anew: the relay's credentials may have run out. */
  renew: () => Promise<void>;
}

/** The negotiation of one PeerConnection. */
export interface Negotiator {
  start: () => void;
  /** Something changed: offer when that is possible. */
  want: () => void;
  /** Restarts ICE: the network changed. */
  restart: () => void;
  /** The connection to the server is back and so is the participant. */
  resume: () => void;
  stop: () => void;
}

/** How long ICE may mend a lost path by itself, ms. */
const patience = 2000;
const retryAfter = 1000;

/** Makes the negotiator of a PeerConnection. Nothing is sent before start. */
export function createNegotiator(owner: NegotiatorOwner): Negotiator {
  const { pc } = owner;
  let state: 'new' | 'started' | 'stopped' = 'new';
  let wanted = false;
  let running = false;
  let healTimer = 0;

  async function run() {
    if (running || state !== 'started') return;
    running = true;
    try {
      while (wanted && !stopped()) await exchange();
    } catch (error) {
      failed(error);
    } finally {
      running = false;
    }
  }

  // An offer whose answer was lost with the connection is still pending: the very same is sent again.
  async function exchange() {
    if (pc.signalingState === 'stable') {
      wanted = false;
      await pc.setLocalDescription();
    }
    owner.offered();
    const { head } = await owner.describe({ message_type: 'description', sdp_type: 'offer', sdp: pc.localDescription?.sdp });
    if (!stopped()) await pc.setRemoteDescription({ type: 'answer', sdp: head.sdp ?? '' });
  }

  function failed(error: unknown) {
    const stat = statOf(error);
    if (stopped() || (stat === 0 && pc.signalingState === 'have-local-offer')) return; // resume comes back to it
    console.warn('description', error);
    if (stat === 404) owner.unknown();
    else if ([429, 500, 503].includes(stat)) setTimeout(want, retryAfter);
    else notifyFailure(error);
  }

  function want() {
    wanted = true;
    void run();
  }

  function restart() {
    clearTimeout(healTimer);
    if (state !== 'started') return;
    if (broken()) owner.flowing('rerouting');
    void owner.renew().then(() => {
      if (stopped()) return;
      pc.restartIce();
      want();
    });
  }

  const stopped = () => state === 'stopped';
  const broken = () => pc.iceConnectionState === 'disconnected' || pc.iceConnectionState === 'failed';

  pc.oniceconnectionstatechange = () => {
    const ice = pc.iceConnectionState;
    clearTimeout(healTimer);
    if (broken()) owner.flowing('waiting');
    else if (ice !== 'checking') owner.flowing('yes');
    if (ice === 'disconnected') healTimer = window.setTimeout(restart, patience);
    if (ice === 'failed') restart();
  };

  return {
    start() {
      state = 'started';
      want();
    },
    want,
    restart,
    resume() {
      const flows = pc.iceConnectionState === 'connected' || pc.iceConnectionState === 'completed';
      if (!flows) restart();
      else if (pc.signalingState !== 'stable' || wanted) want();
    },
    stop() {
      state = 'stopped';
      clearTimeout(healTimer);
    },
  };
}
