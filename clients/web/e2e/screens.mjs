// Walks through the client and keeps a picture of every screen: node screens.mjs FOLDER [WALK], where WALK is part of a name below.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ANN, BEN } from './lib/people.mjs';
import { play } from './lib/stage.mjs';
import { tour } from './lib/tour.mjs';
import { tourFiles } from './lib/tourfiles.mjs';
import { misfits } from './page/layout.mjs';

const [folder, chosen = ''] = process.argv.slice(2);
if (!folder) throw new Error('name the folder for the pictures: node screens.mjs FOLDER [WALK]');
mkdirSync(folder, { recursive: true });

const DESK = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };
const walks = [
  { name: 'desk-light-en', viewport: DESK, dark: false, locale: 'en-US' },
  { name: 'desk-dark-zh', viewport: DESK, dark: true, locale: 'zh-CN' },
  { name: 'phone-light-zh', viewport: PHONE, dark: false, locale: 'zh-CN' },
  { name: 'phone-dark-en', viewport: PHONE, dark: true, locale: 'en-US' },
];

const all = walks.flatMap((walk) => [{ ...walk, go: tour }, { ...walk, name: `${walk.name}-files`, go: tourFiles }]);
for (const { name, go, ...look } of all.filter((walk) => walk.name.includes(chosen))) {
  await play(async (stage) => {
    const ann = await stage.chromium({ ...ANN, ...look });
    const ben = await stage.firefox({ ...BEN, ...look });
    let step = 0;
    await go(ann, ben, async (actor, screen) => {
      const file = `${name}-${String(++step).padStart(2, '0')}-${screen}-${actor.tab.kind}.png`;
      await actor.tab.until(() => document.getAnimations().every((a) => a.playState !== 'running' || a.effect?.getComputedTiming().iterations === Infinity));
      await actor.tab.screenshot(join(folder, file));
      for (const line of await actor.tab.evaluate(misfits)) console.log(`${file}: ${line}`);
    });
  }, (line) => console.error(`${name}: ${line}`));
}
