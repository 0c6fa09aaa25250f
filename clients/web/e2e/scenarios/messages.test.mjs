import assert from 'node:assert/strict';
import { ANN, BEN } from '../lib/people.mjs';
import { scenario } from '../lib/stage.mjs';
import { by, choose, finds, hears, openChat, openConversation, reads, say, sees, seesNoMore, signUp, typeInto } from '../lib/ui.mjs';

/** @typedef {import('../lib/stage.mjs').Stage} Stage */

/** Two people who chat, in one Chromium. @param {Stage} stage */
async function chatting(stage) {
  const ann = await stage.chromium(ANN);
  const ben = await stage.beside(ann, BEN);
  await signUp(ann);
  await signUp(ben);
  await openChat(ann, ben.account);
  await say(ann, 'Shall we have tea?');
  await openConversation(ben, ann.account);
  await hears(ben, ann.account, 'Shall we have tea?');
  return { ann, ben };
}

scenario('reply, react, edit, delete, with receipts and typing', async (stage) => {
  const { ann, ben } = await chatting(stage);
  await sees(ann, by('progress', { progress: 'read' }));

  await choose(ben, 'Shall we have tea?', by('menu-reply'));
  await typeInto(ben, by('composer'), 'Gladly');
  await reads(ann, by('typing'), ben.account);
  await ben.tab.click(by('send'));
  await reads(ann, `${by('message', { author: ben.account })} ${by('quote')}`, 'Shall we have tea?');
  await seesNoMore(ann, by('typing'));

  await choose(ann, 'Gladly', by('react', { reaction: '👍' }));
  await sees(ben, by('reaction', { reaction: '👍', count: '1' }));
  await ben.tab.click(by('reaction', { reaction: '👍' }));
  await sees(ann, by('reaction', { reaction: '👍', count: '2' }));
  await ann.tab.click(by('reaction', { reaction: '👍' }));
  await sees(ben, by('reaction', { reaction: '👍', count: '1' }));

  await ben.tab.click(by('composer'));
  await ben.tab.press('ArrowUp');
  await sees(ben, by('editing'));
  await ben.tab.fill(by('composer'), 'Gladly, at four');
  await ben.tab.press('Enter');
  await hears(ann, ben.account, 'Gladly, at four');
  await sees(ann, by('edited'));

  await say(ben, 'a slip');
  await hears(ann, ben.account, 'a slip');
  await choose(ben, 'a slip', by('menu-delete-all'));
  await ben.tab.click(by('confirm-yes'));
  await sees(ann, by('message', { author: ben.account, state: 'deleted' }));
  await choose(ann, 'Gladly, at four', by('menu-delete-me'));
  await ann.tab.click(by('confirm-yes'));
  await ann.tab.until((s) => ![...document.querySelectorAll(s)].some((e) => e.textContent?.includes('Gladly')), by('message'));
  await ann.tab.reload();
  await hears(ann, ann.account, 'Shall we have tea?');
  await sees(ann, by('message', { author: ben.account, state: 'deleted' }));
  const gone = await ann.tab.evaluate((s) => [...document.querySelectorAll(s)].some((e) => e.textContent?.includes('Gladly')), by('message'));
  assert.equal(gone, false, 'what Ann deleted for herself came back');
  await hears(ben, ben.account, 'Gladly, at four');
});

scenario('what changed while one was away is there after a reconnect, once', async (stage) => {
  const { ann, ben } = await chatting(stage);
  const context = ann.tab.playwright?.context();
  assert.ok(context);
  await say(ben, 'one');
  await hears(ann, ben.account, 'one');
  await context.setOffline(true);
  await sees(ann, by('connection-state', { state: 'offline' }));
  await choose(ben, 'one', by('react', { reaction: '🎉' }));
  await sees(ben, by('reaction'));
  await say(ben, 'two');
  await ben.tab.click(by('composer'));
  await ben.tab.press('ArrowUp');
  await ben.tab.fill(by('composer'), 'two, mended');
  await ben.tab.press('Enter');
  await hears(ben, ben.account, 'two, mended');
  await choose(ben, 'Shall we', by('menu-info'));
  await sees(ben, by('message-info'));
  await context.setOffline(false);
  await sees(ann, by('connection-state', { state: 'open' }));
  await hears(ann, ben.account, 'two, mended');
  await sees(ann, by('reaction', { reaction: '🎉', count: '1' }));
  const texts = await ann.tab.evaluate((s) => [...document.querySelectorAll(s)].map((e) => e.querySelector('.text')?.textContent), by('message'));
  assert.deepEqual(texts, ['Shall we have tea?', 'one', 'two, mended']);
});

scenario('search, and jump to what was found long ago', async (stage) => {
  const { ann, ben } = await chatting(stage);
  await ben.tab.evaluate(async () => {
    const ws = new WebSocket(location.origin.replace('http', 'ws') + '/message', 'neochat.v1');
    await new Promise((resolve) => (ws.onopen = resolve));
    const lines = (/** @type {Record<string, string>} */ m) => ws.send(Object.entries(m).map(([k, v]) => `${k}: ${v}\n`).join('') + '\n');
    lines({ message_type: 'login', user_account: 'ben', device: 'filler' });
    for (let i = 0; i < 240; i++) lines({ message_type: 'text', friends: 'ann', text: i === 20 ? '藏在这里的茶 needle' : `line ${i}` });
    lines({ message_type: 'account', type: 'GET', task_id: 'last' });
    await new Promise((resolve) => (ws.onmessage = ({ data }) => String(data).includes('task_id: last') && resolve(null)));
    ws.close();
  });
  await hears(ann, ben.account, 'line 239');
  await ann.tab.click(by('search'));
  await ann.tab.fill(by('search-text'), '茶');
  await finds(ann);
  await ann.tab.click(by('search-hit'));
  await hears(ann, ben.account, '藏在这里的茶 needle');
  await hears(ann, ben.account, 'line 19');
  await hears(ann, ben.account, 'line 21');
  await ann.tab.until((s) => document.activeElement?.matches(s) && document.activeElement.textContent?.includes('needle'), by('message'));
  await ann.tab.click(by('to-end'));
  await hears(ann, ben.account, 'line 239');
});

scenario('a voice message is recorded, heard, sought and sped up', async (stage) => {
  const { ann, ben } = await chatting(stage);
  await ann.tab.click(by('record'));
  await sees(ann, by('recording'));
  await ann.tab.until((s) => document.querySelectorAll(s).length >= 25, `${by('recording')} .bars i`);
  await ann.tab.press('Enter');
  const voice = `${by('message', { author: ann.account })} ${by('voice')}`;
  await sees(ben, voice);
  const loud = await ben.tab.evaluate((s) => [...document.querySelectorAll(s)].filter((e) => parseFloat(getComputedStyle(e).getPropertyValue('--height')) > 0.5).length, `${voice} .bars i`);
  assert.ok(loud > 2, 'the waveform is flat');
  await ben.tab.click(by('voice-play'));
  await ben.tab.until((s) => Number(document.querySelector(s)?.getAttribute('data-position')) > 300, `${voice}[data-playing=yes]`);
  await ben.tab.click(by('voice-play'));
  await sees(ben, `${voice}[data-playing=no]`);
  await ben.tab.click(by('voice-speed'));
  await reads(ben, by('voice-speed'), '1.5');
  const before = await ben.tab.evaluate((s) => {
    const slider = /** @type {HTMLElement} */ (document.querySelector(s));
    slider.focus();
    return Number(slider.getAttribute('aria-valuenow'));
  }, by('voice-seek'));
  await ben.tab.press('ArrowRight');
  await ben.tab.until(({ s, b }) => Number(document.querySelector(s)?.getAttribute('aria-valuenow')) > b, { s: by('voice-seek'), b: before });
});

scenario('a message is told of while nobody looks, once it was asked for', async (stage) => {
  const { ann, ben } = await chatting(stage);
  await ann.tab.evaluate(() => {
    const shown = /** @type {string[]} */ ([]);
    const told = class {
      static permission = 'default';
      static requestPermission() {
        told.permission = 'granted';
        return Promise.resolve('granted');
      }
      /** @param {string} title @param {{body: string}} options */
      constructor(title, { body }) {
        shown.push(`${title}: ${body}`);
      }
    };
    Object.assign(window, { Notification: told, shown });
  });
  await ann.tab.click(by('settings'));
  await ann.tab.click(by('notifications', { state: 'off' }));
  await sees(ann, by('notifications', { state: 'on' }));
  await say(ben, 'seen');
  await reads(ann, by('conversation-item', { key: ben.account }), 'seen');
  await ann.tab.evaluate(() => {
    Object.defineProperty(document, 'visibilityState', { value: 'hidden' });
    document.dispatchEvent(new Event('visibilitychange'));
  });
  await say(ben, 'unseen');
  await ann.tab.until(() => /** @type {any} */ (window).shown.length > 0);
  assert.deepEqual(await ann.tab.evaluate(() => /** @type {any} */ (window).shown), ['ben: unseen']);
  assert.match(await ann.tab.evaluate(() => document.title), /^\(2\) /);
});
