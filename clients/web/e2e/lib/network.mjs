// What a browser's line carries, and what programs outside hand to it: through Chromium's own protocol.

/** @typedef {import('./stage.mjs').Actor} Actor */

/** The DevTools session of a page. @param {Actor} actor in Chromium */
async function session({ tab }) {
  if (!tab.playwright) throw new Error('only in Chromium');
  return tab.playwright.context().newCDPSession(tab.playwright);
}

/**
 * Makes a page's line slow, until the function it answers is called.
 * @param {Actor} actor in Chromium @param {{up?: number, down?: number}} rates bytes a second; what is not named stays as it is
 * @returns {Promise<() => Promise<void>>}
 */
export async function slowLine(actor, { up = -1, down = -1 }) {
  const cdp = await session(actor);
  await cdp.send('Network.enable');
  const set = (/** @type {number} */ uploadThroughput, /** @type {number} */ downloadThroughput) =>
    cdp.send('Network.emulateNetworkConditions', { offline: false, latency: 0, uploadThroughput, downloadThroughput });
  await set(up, down);
  return async () => {
    await set(-1, -1);
    await cdp.detach();
  };
}

/**
 * Drags files over the middle of an element, as a file manager does; the function it answers lets them go there.
 * @param {Actor} actor in Chromium @param {string} selector @param {string[]} files paths @returns {Promise<() => Promise<void>>}
 */
export async function dragFiles(actor, selector, files) {
  const cdp = await session(actor);
  const spot = await actor.tab.evaluate((s) => {
    const box = /** @type {Element} */ (document.querySelector(s)).getBoundingClientRect();
    return { x: box.left + box.width / 2, y: box.top + box.height / 2 };
  }, selector);
  const data = { items: [], files, dragOperationsMask: 1 };
  const send = (/** @type {'dragEnter' | 'dragOver' | 'drop'} */ type) => cdp.send('Input.dispatchDragEvent', { type, ...spot, data });
  await send('dragEnter');
  await send('dragOver');
  return async () => {
    await send('drop');
    await cdp.detach();
  };
}
