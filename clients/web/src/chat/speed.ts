// How fast something goes, from what was seen of it lately.

/** So many bytes by that time, ms. */
export interface Sample {
  at: number;
  bytes: number;
}

/** Looks so far back, ms: short enough to follow a change, long enough to be read. */
const span = 5000;

/** The samples with one more; those too old are left out, but for the one to measure from. */
export function withSample(samples: readonly Sample[], sample: Sample): Sample[] {
  const first = samples.findLastIndex((s) => s.at <= sample.at - span);
  return [...samples.slice(Math.max(first, 0)), sample];
}

/** Bytes a second; 0 where too little was seen. */
export function speedOf(samples: readonly Sample[]): number {
  const [first, last] = [samples[0], samples.at(-1)];
  if (!first || !last || last.at - first.at < 500) return 0;
  return Math.max(0, ((last.bytes - first.bytes) * 1000) / (last.at - first.at));
}
