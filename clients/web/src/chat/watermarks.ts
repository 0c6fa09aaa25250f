// How far somebody has received and read, as plain values.
import type { Message } from '../wire/codec';

/** Somebody's watermarks. */
export interface Receipt {
  read_seq: number;
  delivered_seq: number;
}

/** How far a message of mine has come. */
export type Progress = 'sent' | 'delivered' | 'read';

/** The watermarks after a message told of them; they never fall. */
export function withReceipt(known: Receipt | undefined, m: Message): Receipt {
  const read_seq = Math.max(known?.read_seq ?? 0, Number(m.read_seq ?? 0));
  return { read_seq, delivered_seq: Math.max(known?.delivered_seq ?? 0, Number(m.delivered_seq ?? 0), read_seq) };
}

/** How far a message has come: the least of all others. */
export function progressOf(seq: number, others: Iterable<Receipt>): Progress {
  const all = [...others];
  if (all.length === 0) return 'sent';
  if (all.every((r) => r.read_seq >= seq)) return 'read';
  return all.every((r) => r.delivered_seq >= seq) ? 'delivered' : 'sent';
}

/** Who has read up to there. */
export function readersOf(seq: number, others: ReadonlyMap<string, Receipt>): string[] {
  return [...others].filter(([, r]) => r.read_seq >= seq).map(([account]) => account);
}
