// One's own files: what takes space, where it was sent, and deleting it.
import { learnFile } from '../chat/files';
import { readStat, type FileInfo } from '../chat/fileinfo';
import { request } from '../session/session';

/** A file of one's own. */
export interface OwnFile extends FileInfo {
  /** When it was uploaded, Unix ms. */
  time: number;
  /** The last message that names it: its conversation's id and seq; '' and 0 where one sees none. */
  conversation: string;
  seq: number;
}

/** The largest first, or the latest. */
export type Order = 'size' | 'time';

/** How much one stores, and a part of what. */
export interface Stored {
  /** Bytes. */
  used: number;
  /** Bytes; 0: as much as there is room. */
  allowed: number;
  /** How many files there are in all. */
  count: number;
  files: readonly OwnFile[];
  /** Where the next page begins; '' where there is none. */
  next: string;
}

const page = 50;

/** Lists one's files, from the beginning or after what is known. Rejects with a Failure. */
export async function fetchStored(order: Order, known?: Stored): Promise<Stored> {
  const { head, items } = await request({ message_type: 'file', type: 'GET', want: 'list', order, limit: page, after: known?.next });
  const files = items.map((m) => ({ ...readStat(m.file ?? '', m), time: Number(m.time ?? 0), conversation: m.conversation ?? '', seq: Number(m.seq ?? 0) }));
  return {
    used: Number(head.bytes_used ?? 0),
    allowed: Number(head.bytes_allowed ?? 0),
    count: Number(head.files ?? 0),
    files: [...(known?.files ?? []), ...files],
    next: head.next ?? '',
  };
}

/** Deletes a file of one's own: messages that name it then say that it is gone. Rejects with a Failure. */
export async function deleteFile(name: string): Promise<void> {
  await request({ message_type: 'file', type: 'DELETE', file: name });
  learnFile({ name, gone: true });
}
