import { fileInfoOf, lookOf, type FileInfo } from './fileinfo';
import type { Line } from './line';
import { parts } from './markup';

/** A picture within a history. */
export interface Shown {
  name: string;
  told: FileInfo | undefined;
  line: Line;
}

/** The pictures of a history, in its order. */
export function picturesIn(lines: readonly Line[]): Shown[] {
  return lines.flatMap((line) =>
    line.message_type !== 'text' || line.hidden
      ? []
      : parts(line.text).flatMap((part) => {
          if (part.kind !== 'file') return [];
          const told = fileInfoOf(line.files, part.name);
          return lookOf(part.name, told?.content_type) === 'picture' ? [{ name: part.name, told, line }] : [];
        }),
  );
}
