import { ANN, BEN, CLEO, DORA } from '../lib/people.mjs';
import { scenario } from '../lib/stage.mjs';
import { accept, by, hangUp, hears, isCalled, meets, openGroup, PASSWORD, reads, say, sees, seesNoMore, signUp, video } from '../lib/ui.mjs';
import { assertFilm } from '../lib/watch.mjs';

scenario('group call of three with a shared screen, while a fourth follows the chat in a terminal', async (stage) => {
  const ann = await stage.chromium(ANN);
  const ben = await stage.firefox(BEN);
  const cleo = await stage.chromium(CLEO);
  const people = [ann, ben, cleo];
  for (const actor of people) await signUp(actor);
  const dora = await stage.terminal(DORA, PASSWORD, ['--register']);
  await dora.shows(`logged in as ${DORA}`);

  await ann.tab.click(by('new-group'));
  await ann.tab.fill(by('group-name'), 'Tea');
  await ann.tab.fill(by('group-members'), [ben.account, cleo.account, DORA].join(','));
  await ann.tab.click(by('group-create'));
  await openGroup(ann, 'Tea');
  await openGroup(ben, 'Tea');
  await openGroup(cleo, 'Tea');
  await say(ann, 'tea is ready');
  await dora.shows('tea is ready');
  dora.type('/to Tea');
  dora.type('coming, says the terminal');
  for (const actor of people) await hears(actor, DORA, 'coming, says the terminal');

  await ann.tab.click(by('call-video'));
  for (const actor of [ben, cleo]) {
    await isCalled(actor);
    await accept(actor);
  }
  for (const actor of people) {
    for (const other of people) if (other !== actor) await meets(actor, other, people);
  }

  await cleo.tab.click(by('toggle-screen'));
  for (const actor of [ann, ben]) {
    await sees(actor, video(cleo.account, 'screen'));
    await assertFilm(actor.tab, video(cleo.account, 'screen'), Number(cleo.screen));
    await assertFilm(actor.tab, video(cleo.account, 'camera'), cleo.id);
  }
  await cleo.tab.click(by('toggle-screen'));
  for (const actor of [ann, ben]) await seesNoMore(actor, video(cleo.account, 'screen'));

  await hangUp(ben);
  await reads(ben, by('running'), `Call running: ${ann.account}, ${cleo.account}`);
  await sees(ben, by('running-call'));
  for (const actor of [ann, cleo]) await seesNoMore(actor, by('tile', { user: ben.account }));
  await meets(ann, cleo, people);
  await say(ben, 'I have to go');
  await dora.shows('I have to go');
  await hangUp(ann);
  await hears(ann, ben.account, 'I have to go');
  await reads(ann, by('conversation-item'), 'Tea');
});
