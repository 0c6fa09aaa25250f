import { assertAccessible, assertFits } from '../lib/look.mjs';
import { ANN, BEN } from '../lib/people.mjs';
import { scenario } from '../lib/stage.mjs';
import { tour } from '../lib/tour.mjs';

const PHONE = { width: 390, height: 844 };

scenario('every screen fits a phone of 390 px', async (stage) => {
  const ann = await stage.chromium({ ...ANN, viewport: PHONE });
  const ben = await stage.firefox({ ...BEN, viewport: PHONE });
  await tour(ann, ben, async (actor, screen) => assertFits(actor, `${screen} of ${actor.account}`));
});

const looks = [
  { name: 'a desktop, light, English', dark: false },
  { name: 'a phone, dark, 中文', dark: true, locale: 'zh-CN', viewport: PHONE },
];
for (const { name, ...look } of looks) {
  scenario(`axe has no serious finding on the main screens, which fit: ${name}`, async (stage) => {
    const ann = await stage.chromium({ ...ANN, ...look });
    const ben = await stage.chromium({ ...BEN, ...look });
    await tour(ann, ben, async (actor, screen) => {
      await assertAccessible(actor, `${screen} of ${actor.account}`);
      await assertFits(actor, `${screen} of ${actor.account}`);
    });
  });
}
