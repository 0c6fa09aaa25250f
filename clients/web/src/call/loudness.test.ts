import { expect, it } from 'vitest';
import { levelOf } from './loudness';

const tone = (amplitude: number) => Float32Array.from({ length: 2048 }, (_, n) => amplitude * Math.sin((2 * Math.PI * n) / 64));

it.each([[1, 95], [0.1, 62], [0.01, 28], [0.001, 0], [0, 0]])('a tone of amplitude %d is at %i', (amplitude, level) => expect(levelOf(tone(amplitude))).toBe(level));

it('full scale is 100, and no samples are silence', () => {
  expect(levelOf([1, -1, 1, -1])).toBe(100);
  expect(levelOf([])).toBe(0);
});
