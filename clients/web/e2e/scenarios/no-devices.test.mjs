import { ANN, BEN } from '../lib/people.mjs';
import { scenario } from '../lib/stage.mjs';
import { accept, by, isCalled, isTold, meets, openChat, say, sees, signUp } from '../lib/ui.mjs';

for (const devices of /** @type {const} */ (['missing', 'refused'])) {
  scenario(`camera and microphone ${devices}: told so, and in the call all the same`, async (stage) => {
    const ann = await stage.chromium({ ...ANN, devices });
    const ben = await stage.firefox(BEN);
    await signUp(ann);
    await signUp(ben);
    await openChat(ben, ann.account);
    await say(ben, 'can you see me?');
    await ben.tab.click(by('call-video'));
    await isCalled(ann);
    await accept(ann);
    await isTold(ann);
    await sees(ann, by('call-view'));
    await meets(ann, ben);
    await sees(ben, by('tile', { user: ann.account }));
  });
}
