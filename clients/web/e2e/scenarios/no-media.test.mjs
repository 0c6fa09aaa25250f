import assert from 'node:assert/strict';
import { assertAccessible, assertFits } from '../lib/look.mjs';
import { ANN, BEN } from '../lib/people.mjs';
import { scenario } from '../lib/stage.mjs';
import { accept, by, hangUp, isCalled, meets, openChat, openConversation, say, sees, seesNoMore, signUp, video } from '../lib/ui.mjs';

/** @typedef {import('../lib/stage.mjs').Actor} Actor */

/** More frames than come while one still waits with the word, so that a false one had its time. */
const LONG = 150;

/**
 * From now on in this page no check of ICE is answered, as behind a firewall that lets nothing through: they carry a wrong password. Runs before the
 * page's scripts. `globalThis.passing = true` ends that for what is negotiated afterwards.
 */
function lock() {
  const Native = RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Native {
    /** @param {any[]} args @returns {Promise<void>} */
    setRemoteDescription(...args) {
      const [{ type, sdp }] = args;
      const open = /** @type {{passing?: boolean}} */ (globalThis).passing;
      return super.setRemoteDescription({ type, sdp: open ? sdp : sdp.replace(/^(a=ice-pwd:).*$/gm, '$1wrongwrongwrongwrongwrong') });
    }
  };
}

/** The word about missing media, filled in. @param {Actor} actor @param {string} cause */
async function isToldWhy(actor, cause) {
  await sees(actor, by('no-media', { cause }));
  const text = await actor.tab.evaluate((s) => document.querySelector(s)?.textContent ?? '', by('no-media'));
  assert.doesNotMatch(text, /[{}]|undefined/);
}

/** Somebody watches another for a good while, and nobody is told of trouble. @param {Actor} actor @param {Actor} other @param {Actor[]} all */
async function allIsWell(actor, other, all) {
  const film = await actor.tab.evaluate((options) => globalThis.neoE2E.watchFilm(options), { selector: video(other.account, 'camera'), frames: LONG, patience: 60_000 });
  assert.equal(film.stamps.length, LONG, film.state);
  for (const { tab, account } of all) assert.equal(await tab.evaluate((s) => document.querySelector(s)?.textContent, by('no-media')) ?? '', '', `what ${account} is told`);
}

scenario('no media: both are told why, each in their language, until there are some', async (stage) => {
  const ann = await stage.chromium({ ...ANN, locale: 'zh-CN', dark: true });
  const ben = await stage.firefox({ ...BEN, viewport: { width: 390, height: 844 } });
  await ann.tab.playwright?.addInitScript(lock);
  await signUp(ann);
  await signUp(ben);
  await openChat(ben, ann.account);
  await say(ben, 'can you hear me?');
  await openConversation(ann, ben.account);
  await ben.tab.click(by('call-video'));
  await isCalled(ann);
  await accept(ann);
  await isToldWhy(ann, 'network');
  await isToldWhy(ben, 'others');
  await assertFits(ben, 'what ben is told');
  for (const [width, height] of [[390, 844], [1280, 800]]) {
    await ann.tab.resize(width, height);
    await assertFits(ann, 'what ann is told');
    await assertAccessible(ann, 'what ann is told');
  }

  await ann.tab.click(by('no-media-test'));
  await sees(ann, by('connection-page'));
  await assertFits(ann, 'the test beside the call');
  await openConversation(ann, ben.account);

  await ann.tab.evaluate(() => {
    /** @type {{passing?: boolean}} */ (globalThis).passing = true;
    window.dispatchEvent(new Event('online')); // the network is another one
  });
  await seesNoMore(ann, by('no-media'));
  await meets(ann, ben);
  await meets(ben, ann);
  await seesNoMore(ben, by('no-media'));
  await Promise.all([allIsWell(ann, ben, [ann, ben]), allIsWell(ben, ann, [ann, ben])]);

  // Who is muted and without a picture is not missing.
  await ann.tab.click(by('toggle-mic'));
  await ann.tab.click(by('toggle-camera'));
  await sees(ben, by('tile', { user: ann.account, source: 'none', muted: 'yes' }));
  await allIsWell(ann, ben, [ann, ben]);
  await hangUp(ann);
});
