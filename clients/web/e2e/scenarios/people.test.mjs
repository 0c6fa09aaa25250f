import { ANN, BEN, CLEO } from '../lib/people.mjs';
import { scenario } from '../lib/stage.mjs';
import { by, hears, logIn, makeGroup, openChat, openConversation, openDetails, openGroup, PASSWORD, reads, say, sees, seesNoMore, signUp, typeInto } from '../lib/ui.mjs';

scenario('a name, a friend, and a block', async (stage) => {
  const ann = await stage.chromium(ANN);
  const ben = await stage.beside(ann, BEN);
  await signUp(ann);
  await signUp(ben);
  await ann.tab.click(by('settings'));
  await ann.tab.fill(by('profile-user_name'), 'Ann Lindqvist');
  await ann.tab.click(by('profile-save'));
  await reads(ann, 'nav strong', 'Ann Lindqvist');

  await openChat(ann, ben.account);
  await sees(ann, by('presence', { state: 'online' }));
  await openDetails(ann);
  await ann.tab.click(by('add-friend'));
  await ann.tab.fill(by('friend-text'), 'We met at tea.');
  await ann.tab.click(by('send-question'));
  await sees(ann, by('friend-state', { state: 'asked' }));
  await ben.tab.click(by('tab-people'));
  await reads(ben, by('question'), 'Ann Lindqvist');
  await reads(ben, by('question'), 'We met at tea.');
  await ben.tab.click(by('accept-friend'));
  await sees(ben, by('friend', { user: ann.account }));
  await sees(ann, by('friend-state', { state: 'accepted' }));

  await ben.tab.click(by('friend', { user: ann.account }));
  await openDetails(ben);
  await ben.tab.click(by('block'));
  await ben.tab.click(by('confirm-yes'));
  await sees(ben, by('unblock'));
  await sees(ann, by('add-friend'));
  await ann.tab.fill(by('composer'), 'are you there?');
  await ann.tab.click(by('send'));
  await sees(ann, by('message', { state: 'failed' }));
  await ben.tab.click(by('unblock'));
  await sees(ben, by('composer'));
  await ann.tab.click(by('try-again'));
  await hears(ben, ann.account, 'are you there?');
});

scenario('a group: mention, permissions, picture of what it is, remove, leave', async (stage) => {
  const ann = await stage.chromium(ANN);
  const ben = await stage.beside(ann, BEN);
  const cleo = await stage.beside(ann, CLEO);
  for (const actor of [ann, ben, cleo]) await signUp(actor);
  await makeGroup(ann, 'Tea', [ben.account, cleo.account]);
  await typeInto(ann, by('composer'), 'welcome @cl');
  await sees(ann, by('mention-option', { user: cleo.account }));
  await ann.tab.press('Enter');
  await ann.tab.press('Enter');
  await sees(cleo, by('mention-badge'));
  await openGroup(cleo, 'Tea');
  await reads(cleo, by('mention'), cleo.account);
  await reads(ann, by('readers'), cleo.account);

  await openDetails(ann);
  await ann.tab.click(`${by('member', { user: ben.account })} ${by('member-menu')}`);
  await ann.tab.click(by('member-make-admin'));
  await sees(ann, by('member', { user: ben.account, permissions: 'admin' }));
  await openGroup(ben, 'Tea');
  await openDetails(ben);
  await ben.tab.click(by('edit-group'));
  await ben.tab.fill(by('edit-group-name'), 'Tea society');
  await ben.tab.fill(by('edit-group-introduction'), 'Thursdays at four');
  await ben.tab.click(by('save-group'));
  await reads(ann, by('introduction'), 'Thursdays at four');
  await reads(cleo, 'h1', 'Tea society');

  await ben.tab.click(`${by('member', { user: cleo.account })} ${by('member-menu')}`);
  await ben.tab.click(by('member-remove'));
  await ben.tab.click(by('confirm-yes'));
  await seesNoMore(ben, by('member', { user: cleo.account }));
  await seesNoMore(cleo, by('composer'));
  await ann.tab.click(`${by('member', { user: ben.account })} ${by('member-menu')}`);
  await ann.tab.click(by('member-hand-over'));
  await ann.tab.click(by('confirm-yes'));
  await sees(ben, by('member', { user: ben.account, permissions: 'creator' }));
  await ann.tab.click(by('leave-group'));
  await ann.tab.click(by('confirm-yes'));
  await seesNoMore(ann, by('composer'));
  await sees(ben, by('record', { outcome: 'left' }));
});

scenario('a revoked device is out at once; a new password logs the others out', async (stage) => {
  const desk = await stage.chromium(ANN);
  const phone = await stage.beside(desk, { ...ANN, viewport: { width: 390, height: 844 } });
  const ben = await stage.beside(desk, BEN);
  await signUp(desk);
  await signUp(ben);
  await logIn(phone);
  await desk.tab.click(by('settings'));
  await sees(desk, by('device', { current: 'no' }));
  await desk.tab.click(by('device-revoke'));
  await sees(phone, by('auth-submit'));
  await seesNoMore(desk, by('device', { current: 'no' }));

  await logIn(phone);
  await desk.tab.fill(by('password-present'), 'correct horse 42');
  await desk.tab.fill(by('password-new'), 'correct horse 43');
  await desk.tab.click(by('password-change'));
  await sees(phone, by('auth-submit'));
  await sees(desk, by('connection-state', { state: 'open' }));
  await openChat(ben, desk.account);
  await say(ben, 'still there?');
  await openConversation(desk, ben.account);
  await hears(desk, ben.account, 'still there?');
  await desk.tab.reload();
  await hears(desk, ben.account, 'still there?');
});

scenario('a link that invites', async (stage) => {
  const ann = await stage.chromium(ANN);
  await ann.tab.goto(`${stage.server.url}/#invite=itke-cz3z-7eil-swf2`);
  await ann.tab.until((s) => (/** @type {HTMLInputElement | null} */ (document.querySelector(s)))?.value === 'itke-cz3z-7eil-swf2', by('auth-invite'));
  await ann.tab.fill(by('auth-account'), ann.account);
  await ann.tab.fill(by('auth-password'), PASSWORD);
  await ann.tab.click(by('auth-submit'));
  await sees(ann, by('find-person'));
  await ann.tab.until(() => !location.hash.includes('invite'));
});
