// What a search asks and shows, as plain values.

/** The first millisecond of a local day, or with 1 the last one. */
export function dayStart(day: string | undefined, days: 0 | 1): number | undefined {
  const [year, month, date] = (day ?? '').split('-').map(Number);
  if (!year || !month || !date) return undefined;
  return new Date(year, month - 1, date + days).getTime() - days;
}

/** A text cut to the place where the first of the words stands, in pieces; every second piece is one of the words. */
export function snippet(text: string, words: string, around = 40): string[] {
  const wanted = words.split(/\s+/).filter(Boolean).map((w) => w.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const flat = text.replace(/\s+/g, ' ');
  if (wanted.length === 0) return [flat];
  const form = new RegExp(`(${wanted.join('|')})`, 'iu');
  const at = Math.max(0, flat.search(form));
  const from = at > around ? flat.indexOf(' ', at - around) + 1 || at - around : 0;
  const cut = (from > 0 && from <= at ? '…' : '') + flat.slice(from <= at ? from : at, at + 160);
  return cut.split(new RegExp(form.source, 'giu'));
}
