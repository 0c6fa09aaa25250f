/** The initials of somebody on a colour of their own. Purely decorative: the name stands beside it. */
export function Avatar({ name, large }: { name: string; large?: boolean }) {
  return (
    <span class={large ? 'avatar large' : 'avatar'} style={{ '--hue': hueOf(name) }} aria-hidden="true">
      {initials(name)}
    </span>
  );
}

/** One 汉字, two letters, or for a number its last two digits, which tell people apart. */
function initials(name: string): string {
  const letters = Array.from(name.replace(/[^\p{L}\p{N}]/gu, ''));
  if (letters.length === 0) return '?';
  if (/\p{Script=Han}/u.test(letters[0] ?? '')) return letters[0] ?? '';
  if (letters.every((c) => /\p{N}/u.test(c))) return letters.slice(-2).join('');
  return letters.slice(0, 2).join('').toUpperCase();
}

function hueOf(name: string): number {
  let hash = 2166136261;
  for (const c of name) hash = Math.imul(hash ^ (c.codePointAt(0) ?? 0), 16777619);
  return (hash >>> 0) % 360;
}
