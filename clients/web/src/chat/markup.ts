// The text of a message: words, and files by <file>NAME</file> (docs/protocol.md, section 5).

/** A piece of a text. `name` is the file's NAME, which is also the end of its URL. */
export type Part = { kind: 'words'; text: string } | { kind: 'link'; url: string } | { kind: 'file'; name: string };

const fileTag = /<file>([A-Za-z0-9.%_-]+)<\/file>/;
const webAddress = /(https?:\/\/[^\s<>"'，。；！？）】」]+[^\s<>"'，。；！？）】」.,;:!?)\]])/;

/** Takes a text apart. */
export function parts(text: string): Part[] {
  const found: Part[] = [];
  text.split(fileTag).forEach((piece, at) => {
    if (at % 2 === 1) found.push({ kind: 'file', name: piece });
    else if (piece.trim() !== '') found.push(...words(piece));
  });
  return found;
}

function words(text: string): Part[] {
  const found: Part[] = [];
  text.split(webAddress).forEach((piece, at) => {
    if (at % 2 === 1) found.push({ kind: 'link', url: piece });
    else if (piece !== '') found.push({ kind: 'words', text: piece.replaceAll('&lt;file>', '<file>') });
  });
  return found;
}

/** Writes a text with files: what a person typed stays what it was. */
export function compose(typed: string, names: readonly string[]): string {
  const files = names.map((name) => `<file>${name}</file>`);
  const text = typed.replaceAll('<file>', '&lt;file>');
  return [...(text ? [text] : []), ...files].join('\n');
}

/** The name a file had when it was uploaded: the third part of enc(account)_time_enc(file_name). */
export function shownName(name: string): string {
  const last = name.split('_').slice(2).join('_');
  try {
    return decodeURIComponent(last) || name;
  } catch {
    return last || name;
  }
}

/** Whether browsers show the file as a picture. */
export function isImage(name: string): boolean {
  return /\.(png|jpe?g|gif|webp|avif)$/i.test(shownName(name));
}

/** A number of bytes for people. */
export function byteCount(size: number): string {
  if (size < 1000) return `${size} B`;
  const [divisor, unit] = size < 1_000_000 ? [1000, 'kB'] : [1_000_000, 'MB'];
  return `${(size / divisor).toFixed(size / divisor < 10 ? 1 : 0)} ${unit}`;
}
