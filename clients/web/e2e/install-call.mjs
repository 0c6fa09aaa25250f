// A group video call of three on a server somewhere: `node install-call.mjs INVITATION-LINK [SPKI]`. Two come by the link, each in a
// Chromium of their own; a third is in the call too. SPKI is the key of a certificate that this machine does not trust, see Trust.
import { openChromium } from './lib/browsers.mjs';
import { ANN, BEN, CLEO } from './lib/people.mjs';
import { accept, by, hangUp, hears, isCalled, logIn, makeGroup, meets, openGroup, PASSWORD, say, sees } from './lib/ui.mjs';

const [link, spki] = process.argv.slice(2);
if (!link?.includes('#invite=')) throw new Error('usage: node install-call.mjs INVITATION-LINK [SPKI]');
const url = new URL(link).origin;

/** @param {import('./lib/stage.mjs').Actor} actor */
async function comeByLink(actor) {
  await actor.tab.goto(link);
  await sees(actor, by('auth-invite'));
  await actor.tab.fill(by('auth-account'), actor.account);
  await actor.tab.fill(by('auth-password'), PASSWORD);
  await actor.tab.click(by('auth-submit'));
  await sees(actor, by('find-person'));
}

/** @type {import('./lib/stage.mjs').Actor[]} */
const actors = [];
try {
  for (const person of [ANN, BEN, CLEO]) {
    const trusting = { ...person, trust: { spki } };
    actors.push({ ...trusting, tab: await openChromium(trusting, process.env), url });
  }
  const [ann, ben, cleo] = actors;
  await logIn(ann); // the account of setup
  await comeByLink(ben);
  await comeByLink(cleo);
  await makeGroup(ann, 'Tea', [ben.account, cleo.account]);
  await say(ann, 'tea is ready');
  for (const actor of [ben, cleo]) {
    await openGroup(actor, 'Tea');
    await hears(actor, ann.account, 'tea is ready');
  }
  await ann.tab.click(by('call-video'));
  for (const actor of [ben, cleo]) {
    await isCalled(actor);
    await accept(actor);
  }
  for (const actor of actors) {
    for (const other of actors) if (other !== actor) await meets(actor, other, actors);
  }
  await hangUp(ann);
} finally {
  await Promise.allSettled(actors.map(({ tab }) => tab.close()));
}
