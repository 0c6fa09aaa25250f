// What this participant publishes: a sendonly transceiver a source, announced with `track`.
import type { Answer, Fields } from '../wire/socket';
import { statOf } from '../wire/failure';
import { createAdapter } from './adapt';
import { prefer } from './codecs';
import { layersFor, sizeOf } from './layers';
import type { Source } from './state';

/** The publications of one PeerConnection. */
export interface Publications {
  /** Publishes a source. Without a track yet it is to be announced as muted. */
  publish: (source: Source, track: MediaStreamTrack | undefined, muted: boolean) => void;
  /** Gives a published source another track, or none, and tells the others. */
  change: (source: Source, track: MediaStreamTrack | null, muted: boolean) => Promise<void>;
  /** Ends the publication of a source; its section is kept for the next time. */
  unpublish: (source: Source) => Promise<void>;
  has: (source: Source) => boolean;
  /** The section a source is sent in; '' while it is not. */
  midOf: (source: Source) => string;
  /** The others want only these layers of a source; until it is told, all. */
  want: (source: Source, rids: ReadonlySet<string>) => void;
  /** Announces what has a mid by now and was not announced. */
  announce: () => void;
  /** Tells everything again, after messages may have been lost. */
  repeat: () => void;
}

interface Publication {
  transceiver: RTCRtpTransceiver;
  muted: boolean;
  live: boolean;
  announced: boolean;
  wanted?: ReadonlySet<string>;
}

/** Bits per second. The camera's are those of its layers. */
const maxBitrate = { microphone: 40_000, screen: 2_500_000, screen_audio: 96_000 };

/** Makes the publications of a PeerConnection; `changed` is called when an offer is due. */
export function createPublications(pc: RTCPeerConnection, request: (fields: Fields) => Promise<Answer>, changed: () => void): Publications {
  const all = new Map<Source, Publication>();

  const tell = (source: Source, fields: Fields) => request({ message_type: 'track', source, ...fields });
  const yes = (muted: boolean) => (muted ? 'yes' : 'no');
  const warn = (error: unknown) => {
    if (statOf(error) !== 0) console.warn('track', error);
  };

  function add(source: Source, track: MediaStreamTrack | undefined): RTCRtpTransceiver {
    const kind = source === 'microphone' || source === 'screen_audio' ? 'audio' : 'video';
    const sendEncodings = source === 'camera' ? layersFor(sizeOf(track)) : [{ maxBitrate: maxBitrate[source] }];
    const transceiver = pc.addTransceiver(track ?? kind, { direction: 'sendonly', sendEncodings });
    prefer(transceiver, kind);
    return transceiver;
  }

  const divide = createAdapter();
  const adapt = (p: Publication) => divide(p.transceiver.sender, p.wanted);

  function announceOne(source: Source, p: Publication) {
    p.announced = true;
    return tell(source, { mid: p.transceiver.mid ?? undefined, muted: yes(p.muted) }).catch(warn);
  }

  return {
    publish(source, track, muted) {
      const before = all.get(source)?.transceiver;
      if (before) {
        before.direction = 'sendonly';
        void before.sender.replaceTrack(track ?? null);
      }
      const p: Publication = { transceiver: before ?? add(source, track), muted, live: true, announced: false };
      all.set(source, p);
      if (before && source === 'camera') adapt(p);
      changed();
    },
    async change(source, track, muted) {
      const p = all.get(source);
      if (!p?.live) return;
      p.muted = muted;
      const told = () => (p.announced ? tell(source, { type: 'PATCH', muted: yes(muted) }).catch(warn) : undefined);
      // What is muted is not forwarded: said first, the key frame a new picture begins with gets through.
      if (!muted) await told();
      await p.transceiver.sender.replaceTrack(track);
      if (source === 'camera' && track) adapt(p);
      if (muted) await told();
    },
    async unpublish(source) {
      const p = all.get(source);
      if (!p?.live) return;
      p.live = false;
      p.transceiver.direction = 'inactive';
      await p.transceiver.sender.replaceTrack(null);
      await tell(source, { type: 'DELETE' }).catch(warn);
      changed();
    },
    has: (source) => all.get(source)?.live ?? false,
    midOf(source) {
      const p = all.get(source);
      return p?.live ? (p.transceiver.mid ?? '') : '';
    },
    want(source, rids) {
      const p = all.get(source);
      if (!p?.live) return;
      p.wanted = rids;
      adapt(p);
    },
    announce() {
      for (const [source, p] of all) {
        if (p.live && !p.announced && p.transceiver.mid !== null) void announceOne(source, p);
      }
    },
    repeat() {
      for (const [source, p] of all) {
        if (!p.live || !p.announced) continue;
        tell(source, { type: 'PATCH', muted: yes(p.muted) }).catch((error: unknown) => {
          if (statOf(error) === 404) void announceOne(source, p);
          else warn(error);
        });
      }
    },
  };
}
