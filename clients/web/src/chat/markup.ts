// The text of a message: words, addresses, files by <file>NAME</file> (docs/protocol.md, section 6), and who is mentioned.

/** A piece of a text. `name` is the file's NAME, which is also the end of its URL. */
export type Part = { kind: 'words'; text: string } | { kind: 'link'; url: string } | { kind: 'file'; name: string } | { kind: 'mention'; account: string };

const fileTag = /<file>([A-Za-z0-9.%_-]+)<\/file>/;
const webAddress = /(https?:\/\/[^\s<>"'，。；！？）】」]+[^\s<>"'，。；！？）】」.,;:!?)\]])/;
const mentionForm = /@([A-Za-z0-9+._@-]{1,100})/g;

/** Takes a text apart. */
export function parts(text: string, mentioned: readonly string[] = []): Part[] {
  const found: Part[] = [];
  text.split(fileTag).forEach((piece, at) => {
    if (at % 2 === 1) found.push({ kind: 'file', name: piece });
    else if (piece.trim() !== '') found.push(...words(piece, mentioned));
  });
  return found;
}

function words(text: string, mentioned: readonly string[]): Part[] {
  const found: Part[] = [];
  text.split(webAddress).forEach((piece, at) => {
    if (at % 2 === 1) found.push({ kind: 'link', url: piece });
    else if (piece !== '') found.push(...withMentions(piece.replaceAll('&lt;file>', '<file>'), mentioned));
  });
  return found;
}

function withMentions(text: string, mentioned: readonly string[]): Part[] {
  const found: Part[] = [];
  let from = 0;
  for (const match of mentioned.length > 0 ? text.matchAll(mentionForm) : []) {
    const account = named(match[1] ?? '', mentioned);
    if (!account) continue;
    if (match.index > from) found.push({ kind: 'words', text: text.slice(from, match.index) });
    found.push({ kind: 'mention', account });
    from = match.index + 1 + account.length;
  }
  if (from < text.length) found.push({ kind: 'words', text: text.slice(from) });
  return found;
}

/** The longest account at the beginning of what follows an @: a sentence may go on with a full stop. */
function named(typed: string, accounts: readonly string[]): string | undefined {
  const found = accounts.filter((a) => typed === a || (typed.startsWith(a) && /^[.@_+-]+$/.test(typed.slice(a.length))));
  return found.sort((a, b) => b.length - a.length)[0];
}

/** Whom of these a text mentions, by @account or @all. */
export function mentionsIn(text: string, accounts: readonly string[]): string[] {
  const known = [...accounts, 'all'];
  const found = [...text.matchAll(mentionForm)].flatMap((match) => named(match[1] ?? '', known) ?? []);
  return found.includes('all') ? ['all'] : [...new Set(found)];
}

/** The word behind an @ at the caret, if one is being typed. */
export function mentionAt(text: string, caret: number): { from: number; word: string } | undefined {
  const match = /(?:^|[\s(（，。])@([^\s@]{0,40})$/u.exec(text.slice(0, caret));
  return match ? { from: caret - (match[1] ?? '').length, word: match[1] ?? '' } : undefined;
}

/** Writes a text with files: what a person typed stays what it was. */
export function compose(typed: string, names: readonly string[]): string {
  const files = names.map((name) => `<file>${name}</file>`);
  const text = typed.replaceAll('<file>', '&lt;file>');
  return [...(text ? [text] : []), ...files].join('\n');
}

/** The reverse of compose, to edit a text. */
export function decompose(text: string): { typed: string; names: string[] } {
  const pieces = text.split(fileTag);
  const typed = pieces.filter((_, at) => at % 2 === 0).join('').replaceAll('&lt;file>', '<file>');
  return { typed: typed.trim(), names: pieces.filter((_, at) => at % 2 === 1) };
}

/** One line of a text, its files named in words. The list has the first bytes only, which may end within a file's name. */
export function summary(text: string, file: string): string {
  return parts(text.replace(/<file>[A-Za-z0-9.%_-]*$/, ''))
    .map((p) => (p.kind === 'file' ? `[${file}] ${shownName(p.name)}` : p.kind === 'link' ? p.url : p.kind === 'words' ? p.text : `@${p.account}`))
    .join(' ');
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

/** A number of bytes for people. */
export function byteCount(size: number): string {
  if (size < 1000) return `${size} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  const at = Math.min(Math.floor(Math.log10(size) / 3), units.length) - 1;
  const scaled = size / 1000 ** (at + 1);
  return `${scaled.toFixed(scaled < 10 ? 1 : 0)} ${units[at] ?? ''}`;
}
