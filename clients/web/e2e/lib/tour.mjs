// A walk through every screen of the client, stopping at each.
import { accept, attach, by, choose, finds, hangUp, hears, isCalled, makeGroup, meets, openChat, openConversation, openMenu, PASSWORD, say, sees, seesNoMore, signUp, video } from './ui.mjs';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** @typedef {import('./stage.mjs').Actor} Actor */

const LONG =
  'A longer sentence that surely has to wrap on a phone, with_an_unbreakable_word_that_is_longer_than_the_screen_is_wide_0123456789. ' +
  '还有一句很长的中文句子,用来检查在手机上是否会正确换行显示。';

/** The list stands beside the chat on a desktop; on a phone one goes back to it. @param {Actor} actor */
async function toList(actor) {
  const wide = await actor.tab.evaluate(() => innerWidth > 700);
  if (!wide) await actor.tab.click(by('back'));
  await sees(actor, by('conversation-item'));
}

/**
 * Ann and Ben sign up, chat and call each other; `stop` is called at every screen.
 * @param {Actor} ann @param {Actor} ben @param {(actor: Actor, screen: string) => Promise<unknown>} stop
 */
export async function tour(ann, ben, stop) {
  await ann.tab.goto(`${ann.url}/`);
  await sees(ann, by('auth-submit'));
  await stop(ann, 'first-page');
  await ann.tab.goto(`${ann.url}/#guest=AAAAAAAAAAAAAAAAAAAAAA`);
  await sees(ann, by('guest-name'));
  await stop(ann, 'guest-page');
  await ann.tab.goto(`${ann.url}/`);
  await sees(ann, by('auth-submit'));
  await ann.tab.click(by('auth-switch'));
  await stop(ann, 'other-first-page');
  await ann.tab.fill(by('auth-account'), 'nobody');
  await ann.tab.fill(by('auth-password'), PASSWORD);
  await signUp(ann);
  await signUp(ben);
  await stop(ann, 'empty-list');

  await openChat(ann, ben.account);
  await stop(ann, 'empty-chat');
  await say(ann, LONG);
  await openConversation(ben, ann.account);
  await hears(ben, ann.account, LONG);
  await say(ben, 'short');
  await sendFiles(ben);
  await sees(ann, `${by('message')} ${by('image-preview')}`);
  await sees(ann, `${by('message')} ${by('file-link')}`);
  await stop(ann, 'chat');
  await stop(ben, 'chat');
  await toList(ann);
  await stop(ann, 'list');
  await ann.tab.click(by('new-group'));
  await sees(ann, by('group-create'));
  await stop(ann, 'new-group');
  await ann.tab.press('Escape');
  await seesNoMore(ann, by('group-create'));

  await asides(ann, ben, stop);

  await ben.tab.click(by('call-video'));
  await sees(ben, by('outgoing'));
  await stop(ben, 'outgoing');
  await isCalled(ann);
  await stop(ann, 'incoming');
  await accept(ann);
  await sees(ann, video(ben.account, 'camera'));
  await meets(ben, ann);
  await stop(ann, 'call');
  await stop(ben, 'call');
  await ben.tab.click(by('call-people'));
  await ben.tab.click(by('guest-link-make'));
  await sees(ben, by('guest-link-address'));
  await stop(ben, 'call-people');
  await ben.tab.press('Escape');
  await insideCall(ann, stop);
  await ann.tab.click(by('toggle-camera'));
  await ann.tab.click(by('toggle-mic'));
  await sees(ben, by('tile', { user: ann.account, muted: 'yes' }));
  await seesNoMore(ben, video(ann.account, 'camera'));
  await stop(ben, 'call-without-picture');
  await hangUp(ann);
  await seesNoMore(ben, by('call-view'));
  await stop(ben, 'chat-after-call');
}

/**
 * What one can open in a call.
 * @param {Actor} ann in a call @param {(actor: Actor, screen: string) => Promise<unknown>} stop
 */
async function insideCall(ann, stop) {
  for (const [item, shown] of [['call-devices', 'device-dialog'], ['call-statistics', 'figures']]) {
    await ann.tab.click(by('call-more'));
    if (item === 'call-devices') await stop(ann, 'call-menu');
    await ann.tab.click(`${by('menu')} ${by(item)}`);
    await sees(ann, by(shown));
    await stop(ann, item);
    await ann.tab.press('Escape');
    await seesNoMore(ann, by(shown));
  }
  await ann.tab.click(by('call-more'));
  await ann.tab.click(`${by('menu')} ${by('switch-view')}`);
  await sees(ann, by('tile', { large: 'yes' }));
  await stop(ann, 'call-large');
  // Where there is no room for both, the chat comes over the call; elsewhere it goes from beside it.
  const beside = await ann.tab.evaluate(() => innerWidth >= 1100);
  await ann.tab.click(by('to-chat'));
  const back = `.talk ${by('to-call')}`;
  if (!beside) await sees(ann, back);
  await stop(ann, beside ? 'call-alone' : 'call-and-chat');
  await ann.tab.click(beside ? by('to-chat') : back);
  await sees(ann, by('toggle-mic'));
}

/**
 * What is not the conversation itself: settings, people, search, details, the menu of a message, a reply, a recording.
 * @param {Actor} ann in Chromium, at the list @param {Actor} ben @param {(actor: Actor, screen: string) => Promise<unknown>} stop
 */
async function asides(ann, ben, stop) {
  await ann.tab.click(by('settings'));
  await sees(ann, by('device'));
  await stop(ann, 'settings');
  await ann.tab.click(by('check-devices'));
  await sees(ann, `${by('before-call')} video`);
  await stop(ann, 'check-devices');
  await ann.tab.press('Escape');
  await seesNoMore(ann, by('before-call'));
  await ann.tab.click(by('back'));
  await ann.tab.click(by('tab-people'));
  await sees(ann, by('people-list'));
  await stop(ann, 'people');
  await ann.tab.click(by('tab-chats'));
  await ann.tab.click(by('search'));
  await sees(ann, by('search-panel'));
  await ann.tab.fill(by('search-text'), 'short');
  await finds(ann);
  await stop(ann, 'search');
  await ann.tab.click(by('search-close'));

  await openConversation(ann, ben.account);
  await ann.tab.click(by('details'));
  await sees(ann, by('details-panel'));
  await stop(ann, 'details');
  await ann.tab.click(by('close-details'));
  await choose(ann, 'short', by('react', { reaction: '❤️' }));
  await sees(ann, by('reaction'));
  await choose(ann, 'short', by('menu-reply'));
  await say(ann, 'not so short');
  await sees(ann, by('quote'));
  await ann.tab.click(by('record'));
  await ann.tab.until((s) => document.querySelectorAll(s).length >= 10, `${by('recording')} .bars i`);
  await stop(ann, 'recording');
  await ann.tab.click(by('record-send'));
  await sees(ann, by('voice'));
  await openMenu(ann, 'short');
  await stop(ann, 'menu');
  await ann.tab.press('Escape');
  await seesNoMore(ann, by('menu'));
  await toList(ann);
  await makeGroup(ann, 'Gardeners and tea drinkers', [ben.account]);
  await ann.tab.click(by('details'));
  await sees(ann, by('member', { user: ben.account }));
  await stop(ann, 'group');
  await ann.tab.click(by('edit-group'));
  await sees(ann, by('group-form'));
  await stop(ann, 'group-form');
  await ann.tab.click(by('close-details'));
}

/** A picture and a file with a long name. @param {Actor} actor */
async function sendFiles(actor) {
  const dir = mkdtempSync(join(tmpdir(), 'neochat-e2e-files-'));
  try {
    const picture = join(dir, 'picture.png');
    await actor.tab.screenshot(picture);
    await attach(actor, picture);
    await sees(actor, `${by('message')} ${by('image-preview')}`);
    const report = join(dir, 'a report with quite a long name, as reports tend to have them (final version 2).txt');
    writeFileSync(report, 'words\n'.repeat(3000));
    await attach(actor, report);
    await sees(actor, `${by('message')} ${by('file-link')}`);
  } finally {
    rmSync(dir, { recursive: true });
  }
}
