// Files picked for the next message of a conversation. They upload at once; sending does not wait for them.
import { signal } from '@preact/signals';
import { takePart } from '../session/session';
import { notify } from '../ui/notice';
import { keyOf, type Target } from './line';
import { compose } from './markup';
import { send, type Content } from './outbox';
import { parcels, postWhenUploaded } from './parcels';
import { tellsPlace } from './place';
import { beginTransfer, cancel, transfers, type Transfer } from './transfers';

/** Pictures that tell where they were taken, by the id of their transfer. */
const placed = signal<ReadonlySet<number>>(new Set());

/** What was picked for the next message there. */
export function picked(target: Target): Transfer[] {
  const key = keyOf(target);
  const sent = new Set(parcels.value.flatMap((p) => p.files));
  return transfers.value.filter((t) => t.key === key && !sent.has(t.id));
}

/** Picks files for a conversation and starts uploading them. */
export function pick(target: Target, files: Iterable<File>): void {
  for (const file of files) {
    const id = beginTransfer(keyOf(target), file);
    void tellsPlace(file).then((tells) => {
      if (tells) placed.value = new Set([...placed.value, id]);
    });
  }
}

/** Picks what was dropped. Folders have no bytes to send. */
export function pickDropped(target: Target, dropped: DataTransfer): void {
  const folders = new Set([...dropped.items].flatMap((item) => (item.webkitGetAsEntry()?.isDirectory ? [item.webkitGetAsEntry()?.name] : [])));
  if (folders.size > 0) notify('err_folder');
  pick(target, [...dropped.files].filter((file) => !folders.has(file.name)));
}

/** Picks what was pasted. Pictures that come without a name of their own are given one. */
export function pickPasted(target: Target, files: Iterable<File>): void {
  const stamp = new Date().toISOString().slice(0, 19).replace(/[T:]/g, '-');
  pick(target, [...files].map((file) => (/^image\.\w+$/.test(file.name) ? new File([file], `${stamp}.${file.name.slice(6)}`, { type: file.type, lastModified: file.lastModified }) : file)));
}

/** Whether the places that picked pictures tell are kept: undefined where none tells any. */
export function keepsPlace(target: Target): boolean | undefined {
  const telling = picked(target).filter((t) => t.keep_location || placed.value.has(t.id));
  return telling.length === 0 ? undefined : telling.every((t) => t.keep_location);
}

/** Keeps the places that picked pictures tell, or has them removed. The server removes them while a file arrives: it has to be sent again. */
export function setKeepsPlace(target: Target, keep_location: boolean): void {
  for (const t of picked(target)) {
    if (t.keep_location === keep_location || !placed.value.has(t.id)) continue;
    cancel(t.id);
    placed.value = new Set([...placed.value, beginTransfer(t.key, t.file, { keep_location })]);
  }
}

/** Sends what was typed with what was picked. */
export function sendWith(target: Target, typed: string, aside: Omit<Content, 'text' | 'voice'> = {}): void {
  const ids = picked(target).map((t) => t.id);
  if (ids.length > 0) postWhenUploaded(target, ids, { ...aside, text: typed });
  else if (typed) send(target, { ...aside, text: compose(typed, []) });
}

takePart({ left: () => (placed.value = new Set()) });
