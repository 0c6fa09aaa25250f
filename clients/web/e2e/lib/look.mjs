// What every screen has to keep: nothing cut off, nothing that shuts people out.
import assert from 'node:assert/strict';
import { AxeBuilder } from '@axe-core/playwright';
import { misfits } from '../page/layout.mjs';

/** @typedef {import('./stage.mjs').Actor} Actor */

/** Nothing is cut off, sticks out or is covered. @param {Actor} actor @param {string} screen its name for the report */
export async function assertFits({ tab }, screen) {
  assert.deepEqual(await tab.evaluate(misfits), [], `${screen} at ${await tab.evaluate(() => `${innerWidth}×${innerHeight}`)}`);
}

/** No serious or critical violation of WCAG 2.1 A and AA. @param {Actor} actor in Chromium @param {string} screen its name for the report */
export async function assertAccessible({ tab }, screen) {
  if (!tab.playwright) throw new Error('axe runs in Chromium only');
  const { violations } = await new AxeBuilder({ page: tab.playwright }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']).analyze();
  const serious = violations.filter((v) => v.impact === 'serious' || v.impact === 'critical')
    .map((v) => `${v.id}: ${v.nodes.map((node) => `${node.target} (${node.any[0]?.message ?? node.failureSummary})`).join('; ')}`);
  assert.deepEqual(serious, [], `${screen} shuts people out`);
}
