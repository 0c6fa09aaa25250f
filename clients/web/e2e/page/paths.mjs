// Which way media goes, inside a page: the candidate pair that ICE chose, and when. Sent into pages as source text before their own scripts
// run; refers to nothing outside itself.

/**
 * @typedef {object} Path  One PeerConnection that was not closed.
 * @property {string} state its connectionState
 * @property {number} took ms from its making until it was first connected (ICE and DTLS); NaN while it was not
 * @property {string} way `host/udp`, `prflx/udp`, `relay/tls`: the own candidate's type and the protocol to the first hop; empty: no pair was selected
 * @property {string} remote the other side's candidate, `host 203.0.113.10:8080`; empty as above
 * @property {string[]} tried every pair there is, with its state and how many checks were sent and answered: what to look at when nothing connects
 */

/**
 * @typedef {object} Arrival  What has arrived in one section so far.
 * @property {'audio' | 'video'} kind
 * @property {string} mid
 * @property {number} width of the picture decoded last, 0 for none
 * @property {number} frames decoded
 * @property {number} samples of sound played
 * @property {number} concealed of them those that were made up because their packets were missing
 */

/** Keeps an eye on every PeerConnection that the page makes. */
export function paths() {
  const Native = globalThis.RTCPeerConnection;
  /** @type {{pc: RTCPeerConnection, made: number, connected: number}[]} */
  const known = [];
  globalThis.RTCPeerConnection = class extends Native {
    /** @param {RTCConfiguration} [configuration] */
    constructor(configuration) {
      super(configuration);
      const entry = { pc: this, made: performance.now(), connected: NaN };
      known.push(entry);
      this.addEventListener('connectionstatechange', () => {
        if (this.connectionState === 'connected' && Number.isNaN(entry.connected)) entry.connected = performance.now();
      });
    }
  };

  const at = (/** @type {any} */ candidate) => `${candidate?.candidateType} ${candidate?.address ?? '?'}:${candidate?.port}`;
  const protocol = (/** @type {any} */ candidate) => (candidate?.candidateType === 'relay' && candidate.relayProtocol) || candidate?.protocol;

  /** @param {(typeof known)[number]} entry @returns {Promise<Path>} */
  async function describe(entry) {
    const { pc } = entry;
    /** @type {Map<string, any>} */
    const stats = new Map();
    (await pc.getStats()).forEach((value, key) => stats.set(key, value));
    const all = [...stats.values()];
    const pairs = all.filter((s) => s.type === 'candidate-pair');
    const transport = all.find((s) => s.type === 'transport' && s.selectedCandidatePairId);
    const selected = transport ? stats.get(transport.selectedCandidatePairId) : pairs.find((pair) => pair.selected);
    const local = stats.get(selected?.localCandidateId);
    const gathered = all.filter((s) => s.type === 'local-candidate' || s.type === 'remote-candidate').map((s) => `${s.type} ${at(s)}/${protocol(s)}`);
    return {
      state: pc.connectionState,
      took: entry.connected - entry.made,
      way: local ? `${local.candidateType}/${protocol(local)}` : '',
      remote: selected ? at(stats.get(selected.remoteCandidateId)) : '',
      tried: [...gathered, ...pairs.map((pair) => `${at(stats.get(pair.localCandidateId))} to ${at(stats.get(pair.remoteCandidateId))}: ${pair.state}, ` +
        `${pair.requestsSent ?? '?'} checks sent, ${pair.responsesReceived ?? '?'} answered`)],
    };
  }

  /** @param {(typeof known)[number]} entry @returns {Promise<Arrival[]>} */
  async function arrivals({ pc }) {
    const stats = await pc.getStats();
    /** @type {Arrival[]} */
    const all = [];
    stats.forEach((s) => {
      if (s.type !== 'inbound-rtp') return;
      all.push({
        kind: s.kind, mid: s.mid ?? '', width: s.frameWidth ?? 0, frames: s.framesDecoded ?? 0,
        samples: s.totalSamplesReceived ?? 0, concealed: (s.concealedSamples ?? 0) - (s.silentConcealedSamples ?? 0),
      });
    });
    return all;
  }

  return {
    /** @returns {Promise<Arrival[]>} */
    arrivals: async () => (await Promise.all(known.filter(({ pc }) => pc.connectionState !== 'closed').map(arrivals))).flat(),
    /** @returns {Promise<Path[]>} */
    paths: () => Promise.all(known.filter(({ pc }) => pc.connectionState !== 'closed').map(describe)),
  };
}
