// What a person does and sees in the web client, by its test ids.
import { PATIENCE } from './browsers.mjs';
import { assertFilm, assertVoice } from './watch.mjs';

/** @typedef {import('./stage.mjs').Actor} Actor */

/** A selector by test id and further attributes. @param {string} id @param {Record<string, string>} [attributes] */
export const by = (id, attributes = {}) =>
  `[data-testid="${id}"]${Object.entries(attributes).map(([name, value]) => `[data-${name}=${JSON.stringify(value)}]`).join('')}`;

export const PASSWORD = 'correct horse 42';

/** Waits until something is there and visible. @param {Actor} actor @param {string} selector */
export async function sees(actor, selector) {
  await actor.tab.until((s) => {
    const box = document.querySelector(s)?.getBoundingClientRect();
    return box && box.width > 0 && box.height > 0;
  }, selector).catch((error) => Promise.reject(new Error(`${actor.account} never saw ${selector}`, { cause: error })));
}

/** Waits until something is gone. @param {Actor} actor @param {string} selector */
export async function seesNoMore(actor, selector) {
  await actor.tab.until((s) => !document.querySelector(s), selector)
    .catch((error) => Promise.reject(new Error(`${actor.account} still saw ${selector}`, { cause: error })));
}

/** Waits until an element of that kind contains a text. @param {Actor} actor @param {string} selector @param {string} text */
export async function reads(actor, selector, text) {
  await actor.tab.until(({ s, t }) => [...document.querySelectorAll(s)].some((e) => e.textContent?.includes(t)), { s: selector, t: text })
    .catch((error) => Promise.reject(new Error(`${actor.account} never read ${JSON.stringify(text)} in ${selector}`, { cause: error })));
}

/** Opens the client and makes an account. @param {Actor} actor */
export async function signUp({ tab, url, account }) {
  await tab.goto(`${url}/`);
  await tab.until((s) => document.querySelector(s), by('auth-password'));
  // A new password is asked for only where an account is made.
  const signingUp = await tab.evaluate((s) => document.querySelector(s)?.getAttribute('autocomplete') === 'new-password', by('auth-password'));
  if (!signingUp) await tab.click(by('auth-switch'));
  await tab.fill(by('auth-account'), account);
  await tab.fill(by('auth-password'), PASSWORD);
  await tab.click(by('auth-submit'));
  await tab.until((s) => document.querySelector(s), by('find-person'));
}

/** Opens the chat with somebody. @param {Actor} actor @param {string} account */
export async function openChat(actor, account) {
  await actor.tab.fill(by('find-person'), account);
  await actor.tab.click(by('find-person'));
  await actor.tab.press('Enter');
  await sees(actor, by('composer'));
}

/** Writes a message and sees it sent. @param {Actor} actor @param {string} text */
export async function say(actor, text) {
  await actor.tab.fill(by('composer'), text);
  await actor.tab.click(by('send'));
  await reads(actor, by('message', { author: actor.account, state: 'sent' }), text);
}

/** Reads what somebody said. @param {Actor} actor @param {string} author @param {string} text */
export const hears = (actor, author, text) => reads(actor, by('message', { author }), text);

/** The picture somebody sends. @param {string} user @param {'camera' | 'screen'} source */
export const video = (user, source) => `${by('tile', { user, source })} video`;

/** Sees and hears another person in a call, for real. @param {Actor} actor @param {Actor} other @param {Actor[]} [everybody] whose voices must not be mixed in */
export async function meets(actor, other, everybody = []) {
  await sees(actor, video(other.account, 'camera'));
  await assertFilm(actor.tab, video(other.account, 'camera'), other.id);
  const tones = everybody.map((person) => person.tone).filter((tone) => tone !== other.tone);
  await assertVoice(actor.tab, by('remote-audio', { user: other.account }), other.tone, tones);
}

/** A notice with advice is shown. @param {Actor} actor */
export async function isTold(actor) {
  await actor.tab.until((s) => (document.querySelector(s)?.textContent ?? '').trim().length > 10, by('notice'))
    .catch((error) => Promise.reject(new Error(`${actor.account} was told nothing within ${PATIENCE / 1000} s`, { cause: error })));
}

/** Opens a conversation from the list. @param {Actor} actor @param {string} account the other one */
export async function openConversation(actor, account) {
  await sees(actor, by('conversation-item', { key: account }));
  await actor.tab.click(by('conversation-item', { key: account }));
  await sees(actor, by('composer'));
}

/** Opens a group from the list, by its name. @param {Actor} actor @param {string} name */
export async function openGroup(actor, name) {
  await reads(actor, by('conversation-item'), name);
  const key = await actor.tab.evaluate(({ s, n }) =>
    [...document.querySelectorAll(s)].find((e) => e.textContent?.includes(n))?.getAttribute('data-key') ?? '', { s: by('conversation-item'), n: name });
  await actor.tab.click(by('conversation-item', { key }));
  await sees(actor, by('composer'));
}

/** Sends files to the open conversation. @param {Actor} actor @param {string[]} paths */
export async function attach(actor, ...paths) {
  await actor.tab.upload(by('attach'), ...paths);
  await actor.tab.click(by('send'));
}

/** It rings. @param {Actor} actor */
export const isCalled = (actor) => sees(actor, by('incoming'));

/** Takes the call. @param {Actor} actor */
export async function accept(actor) {
  await actor.tab.click(by('incoming-accept'));
  await sees(actor, by('call-view'));
}

/** Leaves the call. @param {Actor} actor */
export async function hangUp(actor) {
  await actor.tab.click(by('leave-call'));
  await seesNoMore(actor, by('call-view'));
}

/** Logs in with the account, in a browser that has never seen it. @param {Actor} actor */
export async function logIn({ tab, url, account }) {
  await tab.goto(`${url}/`);
  await tab.until((s) => document.querySelector(s), by('auth-password'));
  await tab.fill(by('auth-account'), account);
  await tab.fill(by('auth-password'), PASSWORD);
  await tab.click(by('auth-submit'));
  await sees({ tab, url, account, id: 0, tone: 0 }, by('find-person'));
}

/** The message with a text. @param {Actor} actor @param {string} text */
function message({ tab }, text) {
  if (!tab.playwright) throw new Error('only in Chromium');
  return tab.playwright.locator(by('message'), { hasText: text }).last();
}

/** Opens the menu of a message with the right button. @param {Actor} actor @param {string} text */
export async function openMenu(actor, text) {
  await message(actor, text).click({ button: 'right', position: { x: 6, y: 6 } });
  await sees(actor, by('menu'));
}

/** Opens the menu of a message, and chooses. @param {Actor} actor @param {string} text @param {string} item a selector */
export async function choose(actor, text, item) {
  await openMenu(actor, text);
  await actor.tab.click(`${by('menu')} ${item}`);
}

/** Types key by key, as completion needs it. @param {Actor} actor @param {string} selector @param {string} text */
export async function typeInto({ tab }, selector, text) {
  if (!tab.playwright) throw new Error('only in Chromium');
  await tab.playwright.locator(selector).pressSequentially(text);
}

/** Makes a group and opens it. @param {Actor} actor @param {string} name @param {string[]} members */
export async function makeGroup(actor, name, members) {
  await actor.tab.click(by('new-group'));
  await actor.tab.fill(by('group-name'), name);
  await actor.tab.fill(by('group-members'), members.join(','));
  await actor.tab.click(by('group-create'));
  await reads(actor, 'h1', name);
  await sees(actor, by('composer'));
}

/** Opens the details of the open conversation. @param {Actor} actor */
export async function openDetails(actor) {
  await actor.tab.click(by('details'));
  await sees(actor, by('details-panel'));
}

/** Searches until something is found: what was sent can be found two seconds later at the latest. @param {Actor} actor */
export const finds = (actor) => actor.tab.until((s) => {
  if (document.querySelector(s.hit)) return true;
  /** @type {HTMLElement | null} */ (document.querySelector(s.go))?.click();
  return false;
}, { hit: by('search-hit'), go: by('search-go') });
