import { assertAccessible, assertFits } from '../lib/look.mjs';
import { ANN, BEN, CLEO } from '../lib/people.mjs';
import { scenario } from '../lib/stage.mjs';
import { accept, by, hangUp, isCalled, makeGroup, meets, openGroup, sees, seesNoMore, signUp, video } from '../lib/ui.mjs';
import { assertVoice } from '../lib/watch.mjs';

/** @typedef {import('../lib/stage.mjs').Actor} Actor */

/** What Cleo's screen plays, Hz: nobody's voice. */
const SCREEN_TONE = 1244;

/** Waits until somebody has the large place. @param {Actor} actor @param {Actor} other */
const largeIs = (actor, other) => sees(actor, by('tile', { user: other.account, large: 'yes' }));

/** Waits until the picture of somebody comes in so many px: the layer for its place. @param {Actor} actor @param {Actor} other @param {number} width */
const comesIn = (actor, other, width) => actor.tab.until(({ s, w }) => /** @type {HTMLVideoElement | null} */ (document.querySelector(s))?.videoWidth === w, { s: video(other.account, 'camera'), w: width })
  .catch((error) => Promise.reject(new Error(`the picture of ${other.account} never came ${width} px wide`, { cause: error })));

/** Chooses in the menu of the call. @param {Actor} actor @param {string} item */
async function more(actor, item) {
  await actor.tab.click(by('call-more'));
  await actor.tab.click(`${by('menu')} ${by(item)}`);
}

scenario('a look at oneself, then a call of three: who speaks is large, a screen has its sound, who is pinned stays, and each picture comes in the size it is shown', async (stage) => {
  const ann = await stage.chromium({ ...ANN, checks: true });
  const ben = await stage.chromium(BEN);
  const cleo = await stage.chromium({ ...CLEO, screenTone: SCREEN_TONE });
  const people = [ann, ben, cleo];
  for (const actor of people) await signUp(actor);
  await makeGroup(ann, 'Tea', [ben.account, cleo.account]);
  for (const actor of [ben, cleo]) await openGroup(actor, 'Tea');

  await ann.tab.click(by('call-video'));
  await sees(ann, `${by('before-call')} video`);
  await ann.tab.until((s) => Number(document.querySelector(s)?.getAttribute('aria-valuenow')) > 20, by('microphone-level'));
  await assertFits(ann, 'the look before a call');
  await ann.tab.click(by('before-go'));
  for (const actor of [ben, cleo]) {
    await isCalled(actor);
    await accept(actor);
  }
  for (const other of [ben, cleo]) await meets(ann, other, people);

  await ben.tab.click(by('toggle-mic'));
  await sees(ann, by('tile', { user: ben.account, muted: 'yes' }));
  await more(ann, 'switch-view');
  await largeIs(ann, cleo);
  await comesIn(ann, cleo, 640);
  await comesIn(ann, ben, 320);
  await ben.tab.click(by('toggle-mic'));
  await cleo.tab.click(by('toggle-mic'));
  await sees(ann, by('tile', { user: cleo.account, muted: 'yes' }));
  await largeIs(ann, ben);
  await comesIn(ann, ben, 640);
  await comesIn(ann, cleo, 320);

  await cleo.tab.click(by('toggle-screen'));
  await sees(ann, by('tile', { user: cleo.account, source: 'screen', large: 'yes' }));
  await assertVoice(ann.tab, by('remote-audio', { user: cleo.account, source: 'screen_audio' }), SCREEN_TONE, people.map(({ tone }) => tone));
  await cleo.tab.click(by('toggle-screen'));
  await seesNoMore(ann, by('remote-audio', { source: 'screen_audio' }));

  await ann.tab.click(`${by('tile', { user: cleo.account })} ${by('pin')}`);
  await largeIs(ann, cleo);
  await comesIn(ann, cleo, 640);
  await more(ann, 'call-statistics');
  await sees(ann, by('figures'));
  await assertFits(ann, 'the statistics of a call');
  await assertAccessible(ann, 'the statistics of a call');
  await ann.tab.press('Escape');
  await seesNoMore(ann, by('statistics'));
  await hangUp(ann);
});
