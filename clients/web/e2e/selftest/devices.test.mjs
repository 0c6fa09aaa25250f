// The browsers without camera and microphone, and with a refused permission, really are so.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openChromium } from '../lib/browsers.mjs';
import { servePeers } from './pages.mjs';

for (const [devices, error] of /** @type {const} */ ([['missing', 'NotFoundError'], ['refused', 'NotAllowedError']])) {
  test(`devices ${devices}: ${error}`, async () => {
    const server = await servePeers();
    const tab = await openChromium({ account: 'ann', id: 1, tone: 440, devices }, process.env);
    try {
      await tab.goto(server.url);
      for (const constraints of [{ audio: true }, { audio: true, video: true }]) {
        const got = await tab.evaluate((c) => navigator.mediaDevices.getUserMedia(c).then(() => 'a stream', (e) => e.name), constraints);
        assert.equal(got, error);
      }
    } finally {
      await tab.close();
      await server.close();
    }
  });
}
