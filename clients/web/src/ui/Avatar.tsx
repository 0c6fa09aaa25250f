import { groups } from '../chat/groups';
import type { Target } from '../chat/line';
import { nameOf, personOf } from '../people/people';
import { presence, type Presence } from '../people/presence';
import { t } from '../text';

interface Look {
  large?: boolean;
  /** Whether they are here is shown as a dot. */
  dot?: boolean;
}

/** A picture, or else initials on a colour of their own. Purely decorative: the name stands beside it. */
export function Avatar({ name, seed, picture, large }: { name: string; seed?: string; picture?: string; large?: boolean }) {
  return (
    <span class={large ? 'avatar large' : 'avatar'} style={{ '--hue': hueOf(seed ?? name) }} aria-hidden="true">
      {picture ? <img key={picture} src={`/files/${picture}`} alt="" decoding="async" onError={(e) => (e.currentTarget.hidden = true)} /> : null}
      {initials(name)}
    </span>
  );
}

/** Somebody's face. */
export function PersonAvatar({ account, large, dot }: { account: string } & Look) {
  const state = dot ? presence.value.get(account)?.state : undefined;
  return (
    <span class="face">
      <Avatar name={nameOf(account)} seed={account} picture={personOf(account).avatar} large={large} />
      {state && state !== 'offline' && <PresenceDot state={state} />}
    </span>
  );
}

/** The face of whom one talks to. */
export function TargetAvatar({ target, name, large, dot }: { target: Target; name: string } & Look) {
  if (target.kind === 'pair') return <PersonAvatar account={target.id} large={large} dot={dot} />;
  return (
    <span class="face">
      <Avatar name={name || target.id} seed={target.id} picture={groups.value.get(target.id)?.avatar} large={large} />
    </span>
  );
}

function PresenceDot({ state }: { state: Exclude<Presence['state'], 'offline'> }) {
  return <span class={`dot ${state}`} role="img" aria-label={t(`presence_${state}`)} data-testid="presence-dot" data-state={state} />;
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
