import assert from 'node:assert/strict';
import { ANN, BEN } from '../lib/people.mjs';
import { scenario } from '../lib/stage.mjs';
import { accept, by, hangUp, isCalled, meets, openChat, openConversation, say, sees, signUp } from '../lib/ui.mjs';

scenario('the server is replaced during a video call: it goes on by itself, and is recorded once', async (stage) => {
  const ann = await stage.chromium(ANN);
  const ben = await stage.firefox(BEN);
  await signUp(ann);
  await signUp(ben);
  await openChat(ann, ben.account);
  await say(ann, 'before the upgrade');
  await openConversation(ben, ann.account);
  await ann.tab.click(by('call-video'));
  await isCalled(ben);
  await accept(ben);
  await meets(ann, ben, [ann, ben]);
  await meets(ben, ann, [ann, ben]);
  const begun = Date.now();
  await stage.server.replace();
  stage.note(`the next server listened after ${Date.now() - begun} ms`);
  await sees(ann, by('call-view'));
  await meets(ann, ben, [ann, ben]);
  await meets(ben, ann, [ann, ben]);
  stage.note(`both see and hear each other again ${Date.now() - begun} ms after it was told to end`);
  assert.match(stage.server.output(), /took up calls/);
  await hangUp(ann);
  for (const actor of [ann, ben]) {
    await sees(actor, by('record', { type: 'call_record', outcome: 'answered' }));
    const n = await actor.tab.evaluate(() => document.querySelectorAll('[data-type="call_record"]').length);
    assert.equal(n, 1, 'records of one call');
  }
});
