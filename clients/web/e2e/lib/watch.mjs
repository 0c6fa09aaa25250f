// What a person sees and hears, as assertions: the right face, moving; the right voice, sounding.
import assert from 'node:assert/strict';
import { pictureCode } from '../page/code.mjs';
import { PATIENCE } from './browsers.mjs';

/** @typedef {import('./browsers.mjs').Tab} Tab */

const { PERIOD } = pictureCode();
const FRAMES = 12;
const WINDOWS = 6;

/**
 * The film in `selector` is that of `id` and moves.
 * @param {Tab} tab @param {string} selector a <video> @param {number} id @param {{patience?: number}} [options] ms until a picture that does not come is missing
 */
export async function assertFilm(tab, selector, id, { patience = PATIENCE } = {}) {
  const film = await tab.evaluate((options) => globalThis.neoE2E.watchFilm(options), { selector, frames: FRAMES, patience });
  const where = `${selector} in ${tab.kind} (${film.stamps.length} frames read, ${film.unreadable} unreadable)`;
  assert.ok(film.stamps.length > 0, `no picture: ${film.state || 'no intact code'}: ${where}`);
  const others = film.stamps.filter((stamp) => stamp.id !== id);
  assert.deepEqual(others, [], `the picture of somebody else (expected ${id}): ${where}`);
  const steps = film.stamps.slice(1).map((stamp, i) => (stamp.counter - film.stamps[i].counter + PERIOD) % PERIOD);
  // A camera that was off starts its film anew, and for a moment its last picture may still stand there: one jump is allowed.
  const jumps = steps.filter((step) => step === 0 || step >= PERIOD / 2).length;
  assert.ok(jumps <= 1, `frames out of order: ${film.stamps.map((stamp) => stamp.counter)}: ${where}`);
  assert.equal(film.stamps.length, FRAMES, `the picture is frozen: ${film.state}: ${where}`);
}

/**
 * What `selector` plays is the voice of `tone` and nobody else's.
 * @param {Tab} tab @param {string} selector an <audio> @param {number} tone Hz @param {number[]} others everybody else's tone
 * @param {{patience?: number}} [options] ms until a voice that does not come is missing
 */
export async function assertVoice(tab, selector, tone, others, { patience = PATIENCE } = {}) {
  const options = { selector, windows: WINDOWS, patience, tones: [tone, ...others] };
  const sound = await tab.evaluate((o) => globalThis.neoE2E.listen(o), options);
  const peaks = sound.windows.map((w) => Math.round(w.peak));
  const where = `${selector} in ${tab.kind} (peaks ${peaks} Hz, ${sound.quiet} quiet moments)`;
  assert.equal(sound.windows.length, WINDOWS, `silence: ${sound.state}: ${where}`);
  const right = sound.windows.filter((w) => Math.abs(w.peak - tone) < 15).length;
  assert.ok(right >= WINDOWS - 1, `another voice (expected ${tone} Hz): ${where}`);
  for (const other of others) {
    const mixed = sound.windows.filter((w) => w.levels[other] > w.levels[tone] - 15).length;
    assert.ok(mixed <= 1, `the voice of ${other} Hz is mixed in: ${where}`);
  }
}
