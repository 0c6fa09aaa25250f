// Looks every second whether media flows in the call one is in, and says why if it does not.
import { computed, effect, signal } from '@preact/signals';
import { connection } from '../session/session';
import { peer } from './active';
import { advance, diagnose, patience, type Cause, type Still } from './diagnosis';
import type { Look } from './facts';
import { forgetLinks, weigh } from './links';
import { camera, microphone, microphoneOn } from './local';
import type { Peer } from './peer';
import { quality } from './quality';
import { isShown } from './sizes';
import { active, type Active } from './state';

/** Why no media flows; undefined while it does, or is not missing for long. */
export const trouble = signal<Cause | undefined>(undefined);

const every = 1000;

/** What is remembered of a call from look to look. */
interface Watch {
  last: number;
  /** The PeerConnection that was looked at, and for how long, ms. */
  peer: Peer | undefined;
  age: number;
  wayless: number;
  own: ReadonlyMap<string, Still>;
  others: ReadonlyMap<string, Still>;
}

const fresh = (): Watch => ({ last: performance.now(), peer: undefined, age: 0, wayless: 0, own: new Map(), others: new Map() });

async function look(watch: Watch): Promise<void> {
  const now = performance.now();
  // A computer that slept did not wait for media meanwhile.
  const passed = Math.min(now - watch.last, 2 * every);
  watch.last = now;
  // Without the server nothing can be said of media; “reconnecting” is the word for that.
  if (connection.value !== 'open') {
    Object.assign(watch, fresh());
    tell(undefined);
    return;
  }
  const [call, p] = [active.value, peer.value];
  if (!call || !p || call.phase === 'joining') return;
  const seen = await p.look();
  if (peer.value !== p) return;
  if (watch.peer !== p) forgetLinks();
  weigh(call.participants, seen.statistics);
  watch.age = watch.peer === p ? watch.age + passed : 0;
  watch.peer = p;
  watch.wayless = seen.way.connection === 'connected' ? 0 : watch.wayless + passed;
  watch.own = watch.wayless > 0 ? new Map() : advance(watch.own, ownCounts(p, seen), passed);
  watch.others = watch.wayless > 0 ? new Map() : advance(watch.others, othersCounts(call, seen), passed);
  // A connection made anew in the same trouble has not had the time to show why.
  if (watch.wayless >= patience && watch.age < patience && trouble.value) return;
  tell(diagnose({
    host: location.hostname,
    wayless: watch.wayless,
    way: seen.way,
    own: (['microphone', 'camera'] as const).map((source) => ({ source, still: watch.own.get(source)?.still ?? 0, mutedBySystem: trackOf(source)?.muted ?? false })),
    others: [...call.participants.values()].map(({ participant, user_account }) => ({ user_account, still: watch.others.get(participant)?.still ?? 0 })),
  }));
}

const trackOf = (source: 'microphone' | 'camera') => (source === 'camera' ? camera.value : microphoneOn.value ? microphone.value : undefined);

/** What leaves, of one's own devices that are on. A track that the system mutes stands still whatever is sent. */
function ownCounts(p: Peer, { sent }: Look): Map<string, number> {
  const counts = new Map<string, number>();
  for (const source of ['microphone', 'camera'] as const) {
    const bytes = sent.get(p.midOf(source));
    const track = trackOf(source);
    if (track?.muted) counts.set(source, -1);
    else if (track && bytes !== undefined) counts.set(source, bytes);
  }
  return counts;
}

/**
 * What arrives from each of the others whose microphone is on, or whose camera is, is shown and gets through. All of a person's together, for the server holds pictures back where sound
 * would suffer; and no screens, which may have nothing new to show.
 */
function othersCounts(call: Active, { received }: Look): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { participant, tracks } of call.participants.values()) {
    const on = [tracks.microphone, isShown(participant, 'camera') && !quality.value ? tracks.camera : undefined].filter((track) => track && !track.muted);
    if (on.length > 0) counts.set(participant, on.reduce((sum, track) => sum + (received.get(track?.mid ?? '') ?? 0), 0));
  }
  return counts;
}

function tell(cause: Cause | undefined) {
  if (JSON.stringify(cause) !== JSON.stringify(trouble.value)) trouble.value = cause;
}

const key = computed(() => active.value?.connection_key);

effect(() => {
  if (!key.value) return undefined;
  const watch = fresh();
  const timer = setInterval(() => void look(watch).catch(() => undefined), every);
  return () => {
    clearInterval(timer);
    trouble.value = undefined;
    forgetLinks();
  };
});
