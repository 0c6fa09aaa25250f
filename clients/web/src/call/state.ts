// What rings, what goes on, and who is in the call: plain values and how messages change them (docs/protocol.md, section 8).
import { signal } from '@preact/signals';
import type { Message } from '../wire/codec';
import { accountsOf, type Target } from '../chat/line';

/** `call` is a voice call. It is also the message_type that rings. */
export type CallKind = 'call' | 'videocall';
/** What a participant publishes. */
export type Source = 'microphone' | 'camera' | 'screen' | 'screen_audio';

/** A call that rings here. */
export interface Incoming {
  cell_key: string;
  kind: CallKind;
  user_account: string;
  group_id: string;
  /** Put aside by Escape: it no longer rings here but can still be joined. */
  hidden: boolean;
}

/** A call one has placed and that nobody answered yet. */
export interface Outgoing {
  /** '' until the server has opened it. */
  cell_key: string;
  kind: CallKind;
  target: Target;
}

/** A call that goes on, whether one is in it or not. */
export interface Cell {
  connection_key: string;
  kind: CallKind;
  target: Target;
  participants: number;
  /** Who is in it: accounts, and how many guests. */
  joined: readonly string[];
  guests: number;
  user_account: string;
}

/** A track of another participant. `mid` is '' while it does not arrive. */
export interface Track {
  source: Source;
  mid: string;
  muted: boolean;
}

/** Somebody else in the call. */
export interface Participant {
  participant: string;
  user_account: string;
  tracks: Readonly<Partial<Record<Source, Track>>>;
}

/** The others in a call by their participant id, in the order they came. */
export type Participants = ReadonlyMap<string, Participant>;

/** The call one is in. */
export interface Active {
  connection_key: string;
  kind: CallKind;
  target: Target;
  /** `healing`: no media at the moment, the path may come back; `rerouting`: another path is looked for. */
  phase: 'joining' | 'in' | 'healing' | 'rerouting';
  /** One's own id in it; '' while joining. */
  participant: string;
  participants: Participants;
  /** Somebody else was in it at some time. */
  met: boolean;
  /** One may mute and remove others, and make links for guests. */
  moderator: boolean;
  /** When that was first so, Unix ms; 0 before. */
  since: number;
}

/** Calls that ring here, the oldest first. */
export const incoming = signal<readonly Incoming[]>([]);
/** The call being placed, until it is answered or ends. */
export const outgoing = signal<Outgoing | undefined>(undefined);
/** The call one is in. */
export const active = signal<Active | undefined>(undefined);
/** One wants sound only in it: nobody's camera is looked at. */
export const soundOnly = signal(false);
/** Calls that go on, by connection_key. */
export const cells = signal<ReadonlyMap<string, Cell>>(new Map());

/** Reads the ring of a call. */
export function readIncoming(m: Message): Incoming {
  const kind = (m.message_type === 'cell' ? m.call : m.message_type) === 'videocall' ? 'videocall' : 'call';
  return { cell_key: keyOfCell(m), kind, user_account: m.user_account ?? '', group_id: m.group_id ?? '', hidden: false };
}

/** Reads an item of `cell` GET. */
export function readCell(m: Message): Cell {
  const others = accountsOf(m.friends);
  const opener = m.user_account ?? '';
  // Among several it is shown with who opened it.
  const target: Target = m.group_id ? { kind: 'group', id: m.group_id } : { kind: 'pair', id: others.length > 1 && others.includes(opener) ? opener : (others[0] ?? opener) };
  return {
    connection_key: keyOfCell(m),
    kind: m.call === 'videocall' ? 'videocall' : 'call',
    target,
    participants: Number(m.participants ?? 0),
    joined: accountsOf(m.joined),
    guests: Number(m.guests ?? 0),
    user_account: opener,
  };
}

/** The key of a call, under either of its names. */
export function keyOfCell(m: Message): string {
  return m.connection_key ?? m.cell_key ?? '';
}

/** The others after a `join`, `leave` or `track` push; the same object if nothing changed. */
export function withPush(participants: Participants, m: Message): Participants {
  const id = m.participant ?? '';
  const known = participants.get(id);
  switch (m.message_type) {
    case 'join':
      return known ? participants : withParticipant(participants, { participant: id, user_account: m.user_account ?? '', tracks: {} });
    case 'leave':
      return without(participants, id);
    case 'track':
      return withTrack(participants, known ?? { participant: id, user_account: m.user_account ?? '', tracks: {} }, m);
    default:
      return participants;
  }
}

/** The others without one. */
export function without(participants: Participants, id: string): Participants {
  if (!participants.has(id)) return participants;
  const rest = new Map(participants);
  rest.delete(id);
  return rest;
}

function withParticipant(participants: Participants, p: Participant): Participants {
  return new Map(participants).set(p.participant, p);
}

function withTrack(participants: Participants, p: Participant, m: Message): Participants {
  if (!isSource(m.source)) return participants;
  const tracks = { ...p.tracks };
  if (m.type === 'DELETE') {
    if (!participants.has(p.participant)) return participants;
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- the key was checked
    delete tracks[m.source];
  } else {
    tracks[m.source] = { source: m.source, mid: m.mid ?? '', muted: m.muted === 'yes' };
  }
  return withParticipant(participants, { ...p, tracks });
}

/** Whether that is the name of a source. */
export function isSource(source: string | undefined): source is Source {
  return source === 'microphone' || source === 'camera' || source === 'screen' || source === 'screen_audio';
}
