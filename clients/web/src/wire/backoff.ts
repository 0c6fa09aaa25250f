/** The time before a new attempt, ms: 1 to 5 s spread at random, as a restarting server asks, and longer when attempts keep failing. */
export function backoff(attempt: number, random = Math.random()): number {
  return (1000 + 4000 * random) * Math.min(1 + Math.max(attempt - 3, 0) * 0.5, 4);
}
