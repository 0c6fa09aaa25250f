// Three people hold a video call, and the line of one of them becomes narrow for a while: his pictures become smaller, his sound goes on, and the
// others notice nothing.
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { PATIENCE } from '../lib/browsers.mjs';
import { accept, by, hangUp, isCalled, makeGroup, openGroup, signUp } from '../lib/ui.mjs';

/** @typedef {import('../lib/stage.mjs').Actor} Actor */
/** @typedef {import('../page/paths.mjs').Arrival} Arrival */

const KBITS = 300;
const FALL = 3000; // ms until what comes is smaller
const NARROW = 10_000; // ms that the line is narrow
const BACK = 15_000; // ms until it is of use again
const LOOK = 250; // ms between looks
/** How much of the sound may be made up while the line is narrow: a listener notices more. */
const MADE_UP = 0.05;

/** @param {Actor} actor @returns {Promise<Arrival[]>} */
const arrivals = ({ tab }) => tab.evaluate(() => globalThis.neoE2E.arrivals());

/** Pictures that moved between two looks, as `mid width`. @param {Arrival[]} before @param {Arrival[]} now */
const moving = (before, now) => now.filter((a) => a.kind === 'video' && a.frames > (before.find((b) => b.mid === a.mid)?.frames ?? 0));

/** Looks until something holds, and tells after how many ms. @param {Actor} actor @param {string} what @param {number} patience @param {(moving: Arrival[]) => boolean} holds */
async function until(actor, what, patience, holds) {
  const start = performance.now();
  let before = await arrivals(actor);
  for (;;) {
    await pause(LOOK);
    const now = await arrivals(actor);
    const pictures = moving(before, now);
    const took = performance.now() - start;
    if (holds(pictures)) return Math.round(took);
    assert.ok(took < patience, `${actor.account}: not ${what} after ${Math.round(took)} ms: ${JSON.stringify(now)}`);
    before = now;
  }
}

/** How much of somebody's sound was made up between two looks, 0 to 1. @param {Arrival[]} before @param {Arrival[]} now */
function madeUp(before, now) {
  const sum = (/** @type {Arrival[]} */ all, /** @type {'samples' | 'concealed'} */ what) => all.filter((a) => a.kind === 'audio').reduce((n, a) => n + a[what], 0);
  const samples = sum(now, 'samples') - sum(before, 'samples');
  assert.ok(samples > 0, 'no sound is played');
  return (sum(now, 'concealed') - sum(before, 'concealed')) / samples;
}

/** @param {Actor[]} actors who call each other; the last one's line becomes narrow @param {import('./topology.mjs').Line} line @returns {Promise<string>} what was measured */
export async function callOnANarrowLine(actors, line) {
  const [ann, ...others] = actors;
  const slow = actors[actors.length - 1];
  const quick = actors.filter((actor) => actor !== slow);
  for (const actor of actors) await signUp(actor);
  await makeGroup(ann, 'Tea', others.map(({ account }) => account));
  for (const actor of others) await openGroup(actor, 'Tea');
  await ann.tab.click(by('call-video'));
  for (const actor of others) {
    await isCalled(actor);
    await accept(actor);
  }
  let whole = 0;
  for (const actor of actors) {
    await until(actor, 'all pictures in full size', 2 * PATIENCE, (pictures) => {
      whole = Math.max(whole, ...pictures.map(({ width }) => width));
      return pictures.length === actors.length - 1 && pictures.every(({ width }) => width === whole);
    });
  }
  await pause(2000); // let everything settle

  const [before, quickBefore] = [await arrivals(slow), await Promise.all(quick.map(arrivals))];
  await line.narrow(KBITS);
  const start = performance.now();
  const fell = await until(slow, 'a smaller picture', FALL, (pictures) => pictures.length > 0 && pictures.every(({ width }) => width < whole));
  while (performance.now() - start < NARROW) {
    await pause(4 * LOOK);
    for (const actor of quick) for (const { width } of await arrivals(actor).then((all) => all.filter(({ kind }) => kind === 'video'))) assert.equal(width, whole, `${actor.account}'s pictures, whose line is wide`);
  }
  const [narrow, quickNarrow] = [await arrivals(slow), await Promise.all(quick.map(arrivals))];
  const held = await line.widen();
  assert.ok(held > 0, 'the line was never full');
  const back = await until(slow, 'in full size again', BACK, (pictures) => pictures.length === actors.length - 1 && pictures.every(({ width }) => width === whole));

  const share = madeUp(before, narrow);
  assert.ok(share < MADE_UP, `${(100 * share).toFixed(1)} % of ${slow.account}'s sound was made up`);
  const shares = quick.map((_, n) => madeUp(quickBefore[n], quickNarrow[n]));
  quick.forEach((actor, n) => {
    const frames = moving(quickBefore[n], quickNarrow[n]);
    assert.equal(frames.length, actors.length - 1, `${actor.account}'s pictures stand still`);
  });
  for (const actor of actors) await hangUp(actor);
  return `smaller after ${fell} ms, whole again ${back} ms after the end; made up ${[share, ...shares].map((x) => (100 * x).toFixed(1)).join(', ')} % of the sound (the narrow line first); ${narrow.filter(({ kind }) => kind === 'audio').map(({ codec }) => codec).join(' ')}`;
}
