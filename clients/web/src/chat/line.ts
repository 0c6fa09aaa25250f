// Conversations and the lines of their history, as pure values.
import type { Message } from '../wire/codec';

/** A line of a conversation's history: a text, a member_record or a call_record. */
export interface Line {
  seq: number;
  user_account: string;
  message_type: string;
  text: string;
  /** Unix milliseconds. */
  time: number;
  client_message_id: string;
  /** Of a member_record: created, invited, left; and whom. */
  event: string;
  friends: string;
  /** Of a call_record. */
  call: string;
  outcome: string;
  duration_ms: number;
}

/** Who one talks to: `pair` with an account, `group` with a group_id. It is also what the address bar shows. */
export interface Target {
  kind: 'pair' | 'group';
  id: string;
}

/** A conversation of the list. `conversation` is '' until its first message. */
export interface Conversation extends Target {
  conversation: string;
  name: string;
  last_seq: number;
  read_seq: number;
  time: number;
  author: string;
  last_type: string;
  text: string;
}

/** The message types that are lines of history. */
export const lineTypes: ReadonlySet<string> = new Set(['text', 'member_record', 'call_record']);

/** Reads a line as it was pushed or came with `history`. */
export function readLine(m: Message): Line {
  return {
    seq: Number(m.seq),
    user_account: m.user_account ?? '',
    message_type: m.message_type ?? 'text',
    text: m.text ?? '',
    time: Number(m.time),
    client_message_id: m.client_message_id ?? '',
    event: m.event ?? '',
    friends: m.friends ?? '',
    call: m.call ?? '',
    outcome: m.outcome ?? '',
    duration_ms: Number(m.duration_ms ?? 0),
  };
}

/** Reads an item of `conversation` GET. */
export function readConversation(m: Message): Conversation {
  const kind = m.kind === 'group' || m.group_id ? 'group' : 'pair';
  const id = (kind === 'group' ? m.group_id : m.friends) ?? '';
  return {
    kind,
    id,
    conversation: m.conversation ?? '',
    name: m.name ?? id,
    last_seq: Number(m.last_seq ?? 0),
    read_seq: Number(m.read_seq ?? 0),
    time: Number(m.time ?? 0),
    author: m.author ?? '',
    last_type: m.last_type ?? '',
    text: m.text ?? '',
  };
}

/** The key of a target in maps. */
export function keyOf(target: Target): string {
  return `${target.kind}:${target.id}`;
}

/** How many lines are unread. */
export function unread(c: Conversation): number {
  return Math.max(0, c.last_seq - c.read_seq);
}

/** The conversation after a line was pushed or sent; an older line changes nothing. */
export function withLine(c: Conversation, line: Line, mine: boolean): Conversation {
  if (line.seq <= c.last_seq) return c;
  return {
    ...c,
    last_seq: line.seq,
    read_seq: mine ? line.seq : c.read_seq,
    time: line.time,
    author: line.user_account,
    last_type: line.message_type,
    text: line.text,
  };
}

/** The list in the order it is shown: latest first. */
export function ordered(conversations: Iterable<Conversation>): Conversation[] {
  return [...conversations].sort((a, b) => b.time - a.time || a.name.localeCompare(b.name));
}
