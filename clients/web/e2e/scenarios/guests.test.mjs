import { ANN, BEN, CLEO } from '../lib/people.mjs';
import { scenario } from '../lib/stage.mjs';
import { accept, by, hangUp, isCalled, isTold, meets, openChat, reads, say, sees, seesNoMore, signUp, video } from '../lib/ui.mjs';
import { assertVoice } from '../lib/watch.mjs';

/** @typedef {import('../lib/stage.mjs').Actor} Actor */

/** Opens the menu of somebody in the call, and chooses. @param {Actor} actor @param {string} user @param {string} item */
async function moderate(actor, user, item) {
  await actor.tab.click(`${by('call-person', { user })} ${by('call-person-menu')}`);
  await actor.tab.click(`${by('menu')} ${by(item)}`);
}

scenario('a guest comes into a call by a link, is muted and unmutes; people are removed and invited again', async (stage) => {
  const ann = await stage.chromium(ANN);
  const ben = await stage.firefox(BEN);
  const cleo = await stage.chromium(CLEO);
  await signUp(ann);
  await signUp(ben);
  await openChat(ann, ben.account);
  await say(ann, 'a guest will come');
  await ann.tab.click(by('call-video'));
  await isCalled(ben);
  await accept(ben);

  await ann.tab.click(by('call-people'));
  await ann.tab.click(by('guest-link-make'));
  await sees(ann, by('guest-link-address'));
  const link = await ann.tab.evaluate((s) => document.querySelector(s)?.textContent ?? '', by('guest-link-address'));
  await cleo.tab.goto(link);
  await sees(cleo, by('guest-name'));
  await cleo.tab.fill(by('guest-name'), 'Cleo');
  await cleo.tab.click(by('guest-join'));
  await sees(cleo, by('call-view'));
  await cleo.tab.reload(); // comes back without a click
  await sees(cleo, by('call-view'));
  const account = await cleo.tab.evaluate(() => JSON.parse(sessionStorage.getItem('guest') ?? '{}').account);
  const guest = { ...cleo, account };
  await reads(ann, by('call-person', { user: account }), 'Cleo (guest)');
  await reads(ben, by('tile', { user: account }), 'Cleo (guest)');
  await meets(cleo, ann, [ann, ben, cleo]);
  await meets(ben, guest, [ann, ben, cleo]);

  await moderate(ann, account, 'mute-person');
  await sees(cleo, by('self-tile', { muted: 'yes' }));
  await isTold(cleo);
  await sees(ben, by('tile', { user: account, muted: 'yes' }));
  await cleo.tab.click(by('toggle-mic'));
  await assertVoice(ben.tab, by('remote-audio', { user: account }), cleo.tone, [ann.tone, ben.tone]);

  await moderate(ann, ben.account, 'remove-person');
  await ann.tab.click(by('confirm-yes'));
  await seesNoMore(ben, by('call-view'));
  await isTold(ben);
  await seesNoMore(cleo, by('tile', { user: ben.account }));
  await ann.tab.fill(by('invite-call-accounts'), ben.account);
  await ann.tab.click(by('invite-call-submit'));
  await isCalled(ben);
  await accept(ben);
  await sees(ben, video(account, 'camera'));

  await moderate(ann, account, 'remove-person');
  await ann.tab.click(by('confirm-yes'));
  await sees(cleo, by('guest-name'));
  await cleo.tab.fill(by('guest-name'), 'Cleo again');
  await cleo.tab.click(by('guest-join'));
  await isTold(cleo);
  await seesNoMore(ben, by('tile', { user: account }));
  await ann.tab.press('Escape');
  await hangUp(ben); // it is a call between two again
  await seesNoMore(ann, by('call-view'));
  await sees(ben, by('record', { type: 'call_record', outcome: 'answered' }));
});
