// Files picked for the next message of a conversation. They upload at once; the message waits for them.
import { signal } from '@preact/signals';
import { device, me, takePart } from '../session/session';
import { statOf } from '../wire/failure';
import { upload } from '../wire/upload';
import { notify, notifyFailure } from '../ui/notice';
import { keyOf, type Target } from './line';
import { compose } from './markup';
import { send, type Content } from './outbox';

/** A picked file. */
export interface Attachment {
  id: number;
  /** keyOf the conversation it is for. */
  key: string;
  file: File;
  /** An object URL of a picture, to be shown before it is sent; '' for others. */
  preview: string;
  /** 0 to 1. */
  progress: number;
  /** NAME once uploaded. */
  done: Promise<string>;
}

/** Everything picked and not sent yet. */
export const attachments = signal<readonly Attachment[]>([]);

const attempts = 3;
let lastTime = 0;

/** Picks files for a conversation and starts uploading them. */
export function pick(target: Target, files: Iterable<File>): void {
  for (const file of files) {
    const id = uniqueTime();
    const preview = file.type.startsWith('image/') && file.type !== 'image/svg+xml' ? URL.createObjectURL(file) : '';
    const done = uploadPersistently(id, file);
    attachments.value = [...attachments.value, { id, key: keyOf(target), file, preview, progress: 0, done }];
    done.then(() => advance(id, 1)).catch((error: unknown) => {
      drop(id);
      const large = statOf(error) === 413;
      if (large || statOf(error) === 0) notify(large ? 'err_file_too_large' : 'err_upload', { name: file.name });
      else notifyFailure(error);
    });
  }
}

/** Takes a file off the next message. */
export function drop(id: number): void {
  const gone = attachments.value.find((a) => a.id === id);
  if (gone?.preview) URL.revokeObjectURL(gone.preview);
  attachments.value = attachments.value.filter((a) => a.id !== id);
}

/** Sends what was typed with what was picked; waits for uploads. If one fails nothing is sent, and false is answered. */
export async function sendWith(target: Target, typed: string, aside: Omit<Content, 'text' | 'voice'> = {}): Promise<boolean> {
  const picked = attachments.value.filter((a) => a.key === keyOf(target));
  const results = await Promise.allSettled(picked.map((a) => a.done));
  const names = results.flatMap((r) => (r.status === 'fulfilled' ? [r.value] : []));
  if (names.length < picked.length) return false;
  picked.forEach((a) => drop(a.id));
  const text = compose(typed, names);
  if (text) send(target, { ...aside, text });
  return true;
}

/** Uploads a file that is no attachment and answers its NAME. Rejects with a Failure. */
export function uploadFile(file: File): Promise<string> {
  return uploadPersistently(uniqueTime(), file);
}

/** The same time and name again is the same file for the server, so trying again after a loss stores it once. */
async function uploadPersistently(time: number, file: File): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await upload(me.value, device, time, file, (progress) => advance(time, progress));
    } catch (error) {
      if (![0, 503].includes(statOf(error)) || attempt === attempts) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1500 * attempt));
    }
  }
}

function advance(id: number, progress: number) {
  attachments.value = attachments.value.map((a) => (a.id === id ? { ...a, progress } : a));
}

function uniqueTime(): number {
  lastTime = Math.max(Date.now(), lastTime + 1);
  return lastTime;
}

takePart({ left: () => attachments.value.forEach((a) => drop(a.id)) });
