import { ANN, BEN } from '../lib/people.mjs';
import { scenario } from '../lib/stage.mjs';
import { accept, by, hangUp, isCalled, openChat, say, sees, seesNoMore, signUp, video } from '../lib/ui.mjs';

const ROUNDS = 5;
const median = (/** @type {number[]} */ values) => [...values].sort((a, b) => a - b)[values.length >> 1];

scenario('from the click on accept to the first frame (measured, not judged)', async (stage) => {
  const ann = await stage.chromium(ANN);
  const ben = await stage.chromium(BEN);
  await signUp(ann);
  await signUp(ben);
  await openChat(ann, ben.account);
  await say(ann, 'five calls');
  const times = [];
  for (let i = 0; i < ROUNDS; i++) {
    await ann.tab.click(by('call-video'));
    await isCalled(ben);
    await ben.tab.evaluate((selectors) => globalThis.neoE2E.armFirstFrame(selectors), { button: by('incoming-accept'), video: video(ann.account, 'camera') });
    await accept(ben);
    times.push(Math.round(await ben.tab.evaluate(() => globalThis.neoE2E.firstFrame())));
    await sees(ann, video(ben.account, 'camera'));
    await hangUp(ann);
    await seesNoMore(ben, by('call-view'));
    await seesNoMore(ann, by('call-view'));
  }
  stage.note(`click to first frame, Chromium on loopback: median ${median(times)} ms of ${times.join(', ')}`);
});
