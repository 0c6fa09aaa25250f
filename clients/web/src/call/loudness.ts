/** What counts as silence, dB below full scale. */
const floor = -60;

/** How loud samples of -1 to 1 are, from 0, silence, to 100, full scale; even in dB. */
export function levelOf(samples: Float32Array | readonly number[]): number {
  let sum = 0;
  for (const sample of samples) sum += sample ** 2;
  const db = 10 * Math.log10(sum / Math.max(1, samples.length));
  return Math.round(Math.max(0, Math.min(100, (1 - db / floor) * 100)));
}
