// Three people hold a video call, and the line of one of them becomes narrow for a while: his pictures become smaller, his sound goes on, and the
// others notice nothing.
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { PATIENCE } from '../lib/browsers.mjs';
import { accept, by, hangUp, isCalled, makeGroup, openGroup, sees, signUp } from '../lib/ui.mjs';

/** @typedef {import('../lib/stage.mjs').Actor} Actor */
/** @typedef {import('../page/paths.mjs').Arrival} Arrival */

const KBITS = 300;
const WHOLE = 640; // px, the width of a camera's film
const NARROW = 10_000; // ms that the line is narrow
const BACK = 60_000; // ms; on a machine that has nothing else to do it takes about 5 s
const LOOK = 500; // ms between looks; a picture moves in each, or it stands still
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
  const [quick, slow] = others;
  for (const actor of actors) {
    await signUp(actor);
    await actor.tab.resize(1600, 900); // frames of more than half of the film's width
  }
  await makeGroup(ann, 'Tea', others.map(({ account }) => account));
  for (const actor of others) await openGroup(actor, 'Tea');
  await ann.tab.click(by('call-video'));
  for (const actor of others) {
    await isCalled(actor);
    await accept(actor);
    // One film is enough, and takes the machine less.
    await sees(actor, `${by('self-tile')} video`);
    await actor.tab.click(by('toggle-camera'));
    await sees(actor, `${by('toggle-camera')}[data-on="no"]`);
  }
  const whole = (/** @type {Arrival[]} */ pictures) => pictures.length === 1 && pictures[0].width === WHOLE;
  for (const actor of others) await until(actor, 'the picture in full size', 2 * PATIENCE, whole);
  await pause(2000); // let everything settle

  const [before, quickBefore] = [await arrivals(slow), await arrivals(quick)];
  await line.narrow(KBITS);
  const start = performance.now();
  // A smaller one, or none: two voices and the smallest picture take about as much as there is.
  const fell = await until(slow, 'less than the picture in full size', PATIENCE, (pictures) => !whole(pictures));
  while (performance.now() - start < NARROW) {
    await until(quick, 'the picture in full size, whose line is wide', PATIENCE, whole);
    await pause(2 * LOOK);
  }
  assert.ok(!whole(moving(before, await arrivals(slow))), 'the picture in full size goes through the narrow line');
  const [narrow, quickNarrow] = [await arrivals(slow), await arrivals(quick)];
  const held = await line.widen();
  assert.ok(held > 0, 'the line was never full');
  const back = await until(slow, 'a picture again', BACK, (pictures) => pictures.length === 1);
  const full = back + await until(slow, 'the picture in full size again', BACK, whole);
  const [share, quickShare] = [madeUp(before, narrow), madeUp(quickBefore, quickNarrow)];
  assert.ok(share < MADE_UP, `${(100 * share).toFixed(1)} % of ${slow.account}'s sound was made up`);
  for (const actor of actors) await hangUp(actor);
  return `smaller or none after ${fell} ms, there again ${back} ms after the end, whole after ${full} ms; ${(100 * share).toFixed(1)} % of the sound made up, ${(100 * quickShare).toFixed(1)} % on the wide line`;
}
