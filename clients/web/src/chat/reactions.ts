// Reactions of a message, as `history` tells them: `👍 3, ❤ 1`, most first, and which of them are mine.

/** One reaction and by how many. */
export interface Reaction {
  reaction: string;
  count: number;
  mine: boolean;
}

/** Who reacted how: an item of `react` GET. */
export interface Reacted {
  user_account: string;
  reaction: string;
}

/** Those offered first. */
export const common = ['👍', '❤️', '😂', '😮', '😢', '🎉'] as const;

/** Reads `reactions` and `my_reactions` of a message. */
export function readReactions(reactions = '', my_reactions = ''): Reaction[] {
  const mine = new Set(list(my_reactions).map((r) => r.split(' ')[0]));
  return list(reactions).flatMap((item) => {
    const [reaction = '', count] = item.split(' ');
    return reaction ? [{ reaction, count: Number(count) || 1, mine: mine.has(reaction) }] : [];
  });
}

/** Adds up who reacted how. */
export function summed(items: readonly Reacted[], me: string): Reaction[] {
  const by = new Map<string, Reaction>();
  for (const { reaction, user_account } of items) {
    const known = by.get(reaction) ?? { reaction, count: 0, mine: false };
    by.set(reaction, { reaction, count: known.count + 1, mine: known.mine || user_account === me });
  }
  return [...by.values()].sort((a, b) => b.count - a.count);
}

/** The reactions once I have added one or taken it back; twice changes nothing. */
export function withMine(reactions: readonly Reaction[], reaction: string, on: boolean): readonly Reaction[] {
  const known = reactions.find((r) => r.reaction === reaction);
  if ((known?.mine ?? false) === on) return reactions;
  if (!known) return [...reactions, { reaction, count: 1, mine: true }];
  const count = known.count + (on ? 1 : -1);
  return reactions.flatMap((r) => (r === known ? (count > 0 ? [{ reaction, count, mine: on }] : []) : [r]));
}

/** Whether the server takes it: 1 to 32 bytes without spaces, control characters and commas. */
export function isReaction(typed: string): boolean {
  const bytes = new TextEncoder().encode(typed).length;
  return bytes >= 1 && bytes <= 32 && !/[\s,\p{Cc}]/u.test(typed);
}

function list(value: string): string[] {
  return value.split(',').map((s) => s.trim()).filter(Boolean);
}
