// The heights of a voice message: one hexadecimal digit each (docs/protocol.md, section 6).

/** So many heights are sent. */
export const digits = 64;

/** Gathers levels of 0 to 1 into hexadecimal digits: the loudest of each stretch, the loudest of all being f. */
export function toWaveform(levels: readonly number[], count = digits): string {
  if (levels.length === 0) return '';
  const stretches = Math.min(count, levels.length);
  const heights = Array.from({ length: stretches }, (_, at) => {
    const from = Math.floor((at * levels.length) / stretches);
    const to = Math.max(from + 1, Math.floor(((at + 1) * levels.length) / stretches));
    return Math.max(...levels.slice(from, to));
  });
  const loudest = Math.max(...heights, 0.05);
  return heights.map((h) => Math.round((Math.min(h, loudest) / loudest) * 15).toString(16)).join('');
}

/** Reads heights of 0 to 1; a message without them is drawn flat. */
export function fromWaveform(waveform: string, count = digits): number[] {
  const known = Array.from(waveform).map((digit) => (parseInt(digit, 16) || 0) / 15);
  return known.length > 0 ? known : Array.from({ length: count }, () => 0.2);
}

/** The loudness, 0 to 1, of samples as an AnalyserNode gives them (bytes around 128). */
export function loudness(samples: Uint8Array): number {
  let sum = 0;
  for (const sample of samples) sum += ((sample - 128) / 128) ** 2;
  return Math.min(1, Math.sqrt(sum / Math.max(samples.length, 1)) * 2.5);
}
