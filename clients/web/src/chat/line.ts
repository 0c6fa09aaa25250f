// Conversations and the lines of their history, as pure values.
import type { Message } from '../wire/codec';
import { readFileInfo, type FileInfo } from './fileinfo';
import { readReactions, type Reaction } from './reactions';

/** A line of a conversation's history: a text, a voice message, what is left of a deleted one, a member_record or a call_record. */
export interface Line {
  seq: number;
  message_id: string;
  user_account: string;
  message_type: string;
  text: string;
  /** Unix milliseconds. */
  time: number;
  client_message_id: string;
  /** The message_id of what is answered, or ''. */
  reply_to: string;
  /** Accounts, or `all`. */
  mentions: readonly string[];
  /** Unix milliseconds; 0 where it still says what was first sent. */
  edited: number;
  reactions: readonly Reaction[];
  /** I deleted it for myself: it keeps its place and is not shown. */
  hidden: boolean;
  /** Of a voice message: NAME, and its heights as hexadecimal digits. */
  file: string;
  waveform: string;
  /** What was known of the files it names when it was written. */
  files: readonly FileInfo[];
  /** Of a member_record: created, invited, left, removed, permissions, described, dissolved; and whom. */
  event: string;
  friends: string;
  permissions: string;
  /** Of a call_record. */
  call: string;
  outcome: string;
  /** Of a call_record or a voice message. */
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
  /** How many of the unread ones mention me. */
  mentioned: number;
  /** No longer a member. */
  left: boolean;
  time: number;
  author: string;
  last_type: string;
  /** Of a last line that is a call_record. */
  outcome: string;
  text: string;
}

/** The message types that are lines of history. */
export const lineTypes: ReadonlySet<string> = new Set(['text', 'voice', 'deleted', 'member_record', 'call_record']);

/** Reads a line as it was pushed or came with `history`. */
export function readLine(m: Message): Line {
  return {
    seq: Number(m.seq),
    message_id: m.message_id ?? '',
    user_account: m.user_account ?? '',
    message_type: m.message_type ?? 'text',
    text: m.text ?? '',
    time: Number(m.time),
    client_message_id: m.client_message_id ?? '',
    reply_to: m.reply_to ?? '',
    mentions: accountsOf(m.mentions),
    edited: Number(m.edited ?? 0),
    reactions: readReactions(m.reactions, m.my_reactions),
    hidden: m.message_type === 'deleted' && m.for === 'me',
    file: m.file ?? '',
    waveform: m.waveform ?? '',
    files: readFileInfo(m.file_info),
    event: m.event ?? '',
    friends: m.friends ?? '',
    permissions: m.permissions ?? '',
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
    mentioned: Number(m.mentioned ?? 0),
    left: m.left === 'yes',
    time: Number(m.time ?? 0),
    author: m.author ?? '',
    last_type: m.last_type ?? '',
    outcome: m.outcome ?? '',
    text: m.text ?? '',
  };
}

/** The accounts of a list in a message. */
export function accountsOf(value = ''): string[] {
  return value.split(',').map((s) => s.trim()).filter(Boolean);
}

/** The key of a target in maps. */
export function keyOf(target: Target): string {
  return `${target.kind}:${target.id}`;
}

/** How many lines are unread. */
export function unread(c: Conversation): number {
  return Math.max(0, c.last_seq - c.read_seq);
}

/** Whether a line mentions an account. */
export function mentions(line: Line, account: string): boolean {
  return line.user_account !== account && (line.mentions.includes(account) || line.mentions.includes('all'));
}

/** The conversation after a line was pushed or sent; an older line changes nothing. */
export function withLine(c: Conversation, line: Line, me: string): Conversation {
  if (line.seq <= c.last_seq) return c;
  const mine = line.user_account === me;
  return {
    ...c,
    last_seq: line.seq,
    read_seq: mine ? line.seq : c.read_seq,
    mentioned: mine ? 0 : c.mentioned + (mentions(line, me) ? 1 : 0),
    ...preview(line),
  };
}

/** What the list shows of a last line. */
export function preview(line: Line): Pick<Conversation, 'time' | 'author' | 'last_type' | 'outcome' | 'text'> {
  return { time: line.time, author: line.user_account, last_type: line.message_type, outcome: line.outcome, text: line.text };
}

/** Whether a call record tells of a call that somebody else placed and that was not taken, whoever gave up first. */
export function missedCall(record: { outcome: string }, by: string, me: string): boolean {
  return by !== me && (record.outcome === 'missed' || record.outcome === 'cancelled');
}

/** The conversation after everything up to seq was read. */
export function withRead(c: Conversation, read_seq: number): Conversation {
  if (read_seq <= c.read_seq) return c;
  return { ...c, read_seq, mentioned: read_seq >= c.last_seq ? 0 : c.mentioned };
}

/** The list in the order it is shown: latest first. */
export function ordered(conversations: Iterable<Conversation>): Conversation[] {
  return [...conversations].sort((a, b) => b.time - a.time || a.name.localeCompare(b.name));
}

/** The seq in a message_id: what is behind its dash. */
export function seqOf(message_id: string): number {
  return Number(message_id.slice(message_id.lastIndexOf('-') + 1)) || 0;
}
