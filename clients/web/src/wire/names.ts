/** What no file's name may have: ends of paths, control characters, and what turns the direction of writing. */
const unfit = /[/\\\p{Cc}\u2028-\u202e\u2066-\u2069]/gu;

/** Makes a file's name what may be sent: without what it must not have, and cut to 200 bytes, keeping its extension. */
export function shorten(name: string, limit = 200): string {
  const bytes = (s: string) => new TextEncoder().encode(s).length;
  const clean = name.replace(unfit, ' ');
  if (bytes(clean) <= limit) return clean;
  const dot = clean.lastIndexOf('.');
  const extension = dot > 0 && bytes(clean.slice(dot)) <= 20 ? clean.slice(dot) : '';
  const stem = Array.from(extension ? clean.slice(0, dot) : clean);
  while (bytes(stem.join('') + extension) > limit) stem.pop();
  return stem.join('') + extension;
}
