// Two people hold a video call across a network, and which way their media took.
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { PATIENCE } from '../lib/browsers.mjs';
import { assertFits } from '../lib/look.mjs';
import { accept, by, hangUp, isCalled, meets, openChat, openConversation, say, sees, signUp, video } from '../lib/ui.mjs';

/** @typedef {import('../lib/stage.mjs').Actor} Actor */
/** @typedef {import('../page/paths.mjs').Path} Path */

/** How long one looks for media that are not to come, ms. */
const ABSENCE = 12_000;

/** @param {Actor} actor @returns {Promise<Path[]>} */
const pathsOf = ({ tab }) => tab.evaluate(() => globalThis.neoE2E.paths());

/** Makes two accounts that know each other. @param {Actor} ann @param {Actor} ben */
async function acquaint(ann, ben) {
  await signUp(ann);
  await signUp(ben);
  await openChat(ann, ben.account);
  await say(ann, 'may I call?');
  await openConversation(ben, ann.account);
}

/** Ann calls, Ben takes it. @param {Actor} ann @param {Actor} ben */
async function ring(ann, ben) {
  await ann.tab.click(by('call-video'));
  await isCalled(ben);
  await accept(ben);
}

/** Waits until the one PeerConnection of a call is connected. @param {Actor} actor @returns {Promise<Path>} */
async function connects(actor) {
  const end = performance.now() + PATIENCE;
  for (;;) {
    const paths = await pathsOf(actor);
    const connected = paths.find(({ state, way }) => state === 'connected' && way);
    if (connected) return connected;
    if (performance.now() > end) {
      throw new Error(`${actor.account} is not connected after ${PATIENCE / 1000} s: ${paths.map(({ state, tried }) => [state, ...tried].join('\n    ')).join('; ') || 'no call'}`);
    }
    await pause(100);
  }
}

/**
 * A call in which both see and hear each other.
 * @param {Actor} ann @param {Actor} ben @param {[RegExp, RegExp]} ways which way each one's media may take
 * @param {() => Promise<void>} during called while it lasts
 * @returns {Promise<Path[]>} the ways they took
 */
export async function callWithMedia(ann, ben, ways, during) {
  await acquaint(ann, ben);
  await ring(ann, ben);
  const taken = [await connects(ann), await connects(ben)];
  await meets(ann, ben);
  await meets(ben, ann);
  await during();
  for (const { tab, account } of [ann, ben]) assert.equal(await tab.evaluate((s) => document.querySelector(s)?.textContent, by('no-media')) ?? null, null, `what ${account} is told while all is well`);
  await hangUp(ann);
  [ann, ben].forEach(({ account }, n) => assert.match(taken[n].way, ways[n], `the way of ${account}'s media: ${taken[n].way}`));
  return taken;
}

/**
 * A call in which the first one gets no media through, while all else works.
 * @param {Actor} ann whose network is in the way @param {Actor} ben @param {string} told the cause that ann's screen then tells
 * @returns {Promise<Path[]>}
 */
export async function callWithoutMedia(ann, ben, told) {
  await acquaint(ann, ben);
  await ring(ann, ben);
  await connects(ben);
  // He is told that nothing comes from her; soon, as the server lets a participant without a way go.
  await sees(ben, by('no-media', { cause: 'others' }));
  for (const [actor, other] of [[ann, ben], [ben, ann]]) {
    const selector = video(other.account, 'camera');
    const film = await actor.tab.evaluate((options) => globalThis.neoE2E.watchFilm(options), { selector, frames: 1, patience: ABSENCE / 2 });
    assert.deepEqual(film.stamps, [], `${actor.account} sees ${other.account} where no media should come through`);
  }
  const paths = await pathsOf(ann);
  assert.ok(paths.length > 0, `${ann.account} is in no call`);
  assert.deepEqual(paths.filter(({ state }) => state === 'connected'), [], `${ann.account} is connected`);
  await sees(ann, by('no-media', { cause: told }));
  for (const [width, height] of [[390, 844], [1280, 800]]) {
    await ann.tab.resize(width, height);
    await assertFits(ann, `the cause ${told}`);
  }
  await say(ben, 'I cannot hear you'); // the rest goes on
  return [paths[0], ...await pathsOf(ben)];
}
