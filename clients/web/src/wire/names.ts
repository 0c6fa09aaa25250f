/** Cuts a file's name to the 200 bytes that may be sent, keeping its extension. */
export function shorten(name: string, limit = 200): string {
  const bytes = (s: string) => new TextEncoder().encode(s).length;
  const clean = name.replace(/\p{Cc}/gu, ' ');
  if (bytes(clean) <= limit) return clean;
  const dot = clean.lastIndexOf('.');
  const extension = dot > 0 && bytes(clean.slice(dot)) <= 20 ? clean.slice(dot) : '';
  const stem = Array.from(extension ? clean.slice(0, dot) : clean);
  while (bytes(stem.join('') + extension) > limit) stem.pop();
  return stem.join('') + extension;
}
