import { assertAccessible, assertFits } from '../lib/look.mjs';
import { ANN, BEN } from '../lib/people.mjs';
import { scenario } from '../lib/stage.mjs';
import { tour } from '../lib/tour.mjs';

for (const locale of ['en-US', 'zh-CN']) {
  scenario(`every screen fits a phone of 390 px: ${locale}`, async (stage) => {
    const phone = { width: 390, height: 844 };
    const ann = await stage.chromium({ ...ANN, locale, viewport: phone });
    const ben = await stage.firefox({ ...BEN, locale, viewport: phone });
    await tour(ann, ben, async (actor, screen) => assertFits(actor, `${screen} of ${actor.account}`));
  });
}

for (const dark of [false, true]) {
  scenario(`axe has no serious finding on the main screens: ${dark ? 'dark' : 'light'}`, async (stage) => {
    const ann = await stage.chromium({ ...ANN, dark });
    const ben = await stage.chromium({ ...BEN, dark });
    await tour(ann, ben, async (actor, screen) => {
      await assertAccessible(actor, `${screen} of ${actor.account}`);
      await assertFits(actor, `${screen} of ${actor.account}`);
    });
  });
}
