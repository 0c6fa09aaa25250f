import { ANN, BEN } from '../lib/people.mjs';
import { scenario } from '../lib/stage.mjs';
import { accept, by, hangUp, isCalled, meets, openChat, openConversation, reads, say, sees, seesNoMore, signUp } from '../lib/ui.mjs';

/** @typedef {import('../lib/stage.mjs').Stage} Stage */

/** Ann in Chromium and Ben in Firefox, who have said hello. @param {Stage} stage */
async function acquainted(stage) {
  const ann = await stage.chromium(ANN);
  const ben = await stage.firefox(BEN);
  await signUp(ann);
  await signUp(ben);
  await openChat(ann, ben.account);
  await say(ann, 'may I call?');
  await openConversation(ben, ann.account);
  return { ann, ben };
}

scenario('video call, Chromium calls Firefox: both see and hear each other until one hangs up', async (stage) => {
  const { ann, ben } = await acquainted(stage);
  await ann.tab.click(by('call-video'));
  await sees(ann, by('outgoing'));
  await isCalled(ben);
  await accept(ben);
  await meets(ann, ben, [ann, ben]);
  await meets(ben, ann, [ann, ben]);
  await hangUp(ann);
  await seesNoMore(ann, by('call-view'));
  await seesNoMore(ben, by('call-view'));
  for (const actor of [ann, ben]) await sees(actor, by('record', { type: 'call_record', outcome: 'answered' }));
});

scenario('video call, Firefox calls Chromium; mute and camera off show at the other side, and come back', async (stage) => {
  const { ann, ben } = await acquainted(stage);
  await ben.tab.click(by('call-video'));
  await isCalled(ann);
  await accept(ann);
  await meets(ben, ann, [ann, ben]);
  await meets(ann, ben, [ann, ben]);
  await ann.tab.click(by('toggle-mic'));
  await sees(ben, by('tile', { user: ann.account, muted: 'yes' }));
  await ann.tab.click(by('toggle-camera'));
  await seesNoMore(ben, `${by('tile', { user: ann.account, source: 'camera' })} video`);
  await ann.tab.click(by('toggle-mic'));
  await ann.tab.click(by('toggle-camera'));
  await meets(ben, ann, [ann, ben]);
  await hangUp(ben);
  await seesNoMore(ann, by('call-view'));
});

scenario('refuse, cancel, and call back what was missed', async (stage) => {
  const { ann, ben } = await acquainted(stage);
  await ann.tab.click(by('call-voice'));
  await isCalled(ben);
  await ben.tab.click(by('incoming-refuse'));
  await seesNoMore(ben, by('incoming'));
  await seesNoMore(ann, by('outgoing'));
  await seesNoMore(ann, by('call-view'));
  for (const actor of [ann, ben]) await sees(actor, by('record', { type: 'call_record', outcome: 'refused' }));

  await ann.tab.click(by('call-video'));
  await isCalled(ben);
  await ann.tab.click(by('cancel-call'));
  await seesNoMore(ben, by('incoming'));
  await seesNoMore(ann, by('outgoing'));
  for (const actor of [ann, ben]) await sees(actor, by('record', { type: 'call_record', outcome: 'cancelled' }));

  await reads(ben, by('conversation-item', { key: ann.account }), 'Missed call');
  await ben.tab.click(`${by('record', { outcome: 'cancelled' })} ${by('call-back')}`);
  await isCalled(ann);
  await sees(ann, by('incoming-accept-voice')); // with video, as it was
  await ann.tab.click(by('incoming-refuse'));
  await seesNoMore(ben, by('outgoing'));
});

scenario('reload during a call comes back without a click', async (stage) => {
  const { ann, ben } = await acquainted(stage);
  await ann.tab.click(by('call-video'));
  await isCalled(ben);
  await accept(ben);
  await meets(ann, ben);
  await ann.tab.reload();
  await sees(ann, by('call-view'));
  await meets(ann, ben, [ann, ben]);
  await meets(ben, ann, [ann, ben]);
  await ben.tab.reload();
  await meets(ben, ann, [ann, ben]);
  await meets(ann, ben, [ann, ben]);
});
