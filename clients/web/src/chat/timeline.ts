// The known part of a conversation's history. `seq` rises without gaps, so whatever is missing between two lines shows.
import type { Message } from '../wire/codec';
import { readFileInfo } from './fileinfo';
import { accountsOf, type Line } from './line';

/** Lines in ascending order of seq. */
export interface Timeline {
  lines: readonly Line[];
  /** Nothing comes before the first line. */
  top: boolean;
  /** It ends where the conversation ends. Otherwise it is a stretch of the past somebody jumped to. */
  live: boolean;
  /** Ends of holes the server has nothing for (somebody was not a member then). */
  empty: ReadonlySet<number>;
}

/** Missing lines: those with a seq between the two. */
export interface Hole {
  after_seq: number;
  before_seq: number;
}

/** A history of which nothing is known. */
export const blank: Timeline = { lines: [], top: false, live: true, empty: new Set() };

/** The timeline with more lines; of two with the same seq the new one stays. */
export function merge(t: Timeline, more: readonly Line[]): Timeline {
  if (more.length === 0) return t;
  const bySeq = new Map(t.lines.map((line) => [line.seq, line]));
  for (const line of more) bySeq.set(line.seq, line);
  const lines = [...bySeq.values()].sort((a, b) => a.seq - b.seq);
  return { ...t, lines, top: t.top || lines[0]?.seq === 1 };
}

/** The timeline after a line came: one behind the end of a stretch of the past is left for later. */
export function withPushed(t: Timeline, line: Line): Timeline {
  if (!t.live && line.seq > (t.lines.at(-1)?.seq ?? 0)) return t;
  return merge(t, [line]);
}

/** The timeline with one line changed; the same one where it is not known. */
export function withChanged(t: Timeline, seq: number, change: (line: Line) => Line): Timeline {
  if (!t.lines.some((line) => line.seq === seq)) return t;
  return { ...t, lines: t.lines.map((line) => (line.seq === seq ? change(line) : line)) };
}

/** A line after an `edit`; an older edit than the one known changes nothing. */
export function withEdit(line: Line, m: Message): Line {
  const edited = Number(m.edited ?? 0);
  if (line.message_type === 'deleted' || edited < line.edited) return line;
  return { ...line, text: m.text ?? '', edited, mentions: accountsOf(m.mentions), files: m.file_info === undefined ? line.files : readFileInfo(m.file_info) };
}

/** What is left of a deleted line: its author and its place. */
export function withoutContent(line: Line, hidden: boolean): Line {
  return { ...line, message_type: 'deleted', text: '', file: '', waveform: '', files: [], reply_to: '', mentions: [], reactions: [], edited: 0, hidden: line.hidden || hidden };
}

/** The first hole worth asking for, if any. `last_seq` is the conversation's, so that a missing end counts too. */
export function firstHole(t: Timeline, last_seq: number): Hole | undefined {
  let after_seq: number | undefined;
  for (const { seq } of t.lines) {
    if (after_seq !== undefined && seq > after_seq + 1 && !t.empty.has(seq)) return { after_seq, before_seq: seq };
    after_seq = seq;
  }
  const end = last_seq + 1;
  if (t.live && after_seq !== undefined && end > after_seq + 1 && !t.empty.has(end)) return { after_seq, before_seq: end };
  return undefined;
}

/** The timeline after the server was asked for a hole and answered these lines; none means there is nothing in it. */
export function filled(t: Timeline, hole: Hole, lines: readonly Line[]): Timeline {
  const inside = lines.filter((l) => l.seq > hole.after_seq && l.seq < hole.before_seq);
  if (inside.length > 0) return merge(t, inside);
  return { ...t, empty: new Set([...t.empty, hole.before_seq]) };
}

/** The local day of a time as a number that is equal on the same day. */
export function dayOf(time: number): number {
  const d = new Date(time);
  return d.getFullYear() * 10_000 + d.getMonth() * 100 + d.getDate();
}
