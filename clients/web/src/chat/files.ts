// What is known of files: from the messages that name them (`file_info`), from one's own uploads, or asked of the server.
import { signal } from '@preact/signals';
import { request, takePart } from '../session/session';
import { statOf } from '../wire/failure';
import { readStat, type FileInfo } from './fileinfo';

/** By NAME. `gone`: it was deleted, or may not be read any more. */
export const files = signal<ReadonlyMap<string, FileInfo | 'gone'>>(new Map());

const asked = new Set<string>();

/** Takes in what is known of a file. */
export function learnFile(info: FileInfo | { name: string; gone: true }): void {
  files.value = new Map(files.value).set(info.name, 'gone' in info ? 'gone' : info);
}

/** Asks the server for a file, once. What cannot be asked now is asked the next time. */
export function askFile(name: string): void {
  if (asked.has(name)) return;
  asked.add(name);
  request({ message_type: 'file', type: 'GET', want: 'stat', file: name }).then(
    ({ head }) => learnFile(readStat(name, head)),
    (error: unknown) => (statOf(error) === 404 ? learnFile({ name, gone: true }) : void asked.delete(name)),
  );
}

takePart({
  left() {
    asked.clear();
    files.value = new Map();
  },
});
