import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { assertAccessible, assertFits } from '../lib/look.mjs';
import { ANN } from '../lib/people.mjs';
import { scenario } from '../lib/stage.mjs';
import { by, PASSWORD, sees, signUp } from '../lib/ui.mjs';

/** @typedef {import('../lib/stage.mjs').Actor} Actor */

const PHONE = { width: 390, height: 844 };

/** Runs the test and gives what it found: cause and state by what was looked at. @param {Actor} actor @param {string} verdict */
async function tests(actor, verdict) {
  await actor.tab.click(by('connection-start'));
  await sees(actor, by('connection-verdict', { verdict }));
  const found = await actor.tab.evaluate((s) => [...document.querySelectorAll(s)].map((e) => [e.getAttribute('data-check') ?? '', `${e.getAttribute('data-state')} ${e.getAttribute('data-cause')}`]), by('finding'));
  assert.doesNotMatch(await actor.tab.evaluate((s) => document.querySelector(s)?.textContent ?? '', by('connection-page')), /[{}]|undefined/);
  return Object.fromEntries(found);
}

/** Opens the test from the settings. @param {Actor} actor */
async function toTest(actor) {
  await signUp(actor);
  await actor.tab.click(by('settings'));
  await sees(actor, by('device'));
  await actor.tab.click(by('connection-test'));
  await sees(actor, by('connection-page'));
}

/** @param {Actor} actor @param {string} screen */
async function assertLooks(actor, screen) {
  for (const [width, height] of [[390, 844], [1280, 800]]) {
    await actor.tab.resize(width, height);
    await assertFits(actor, screen);
    await assertAccessible(actor, screen);
  }
}

for (const [locale, dark] of /** @type {const} */ ([['en-US', false], ['zh-CN', true]])) {
  scenario(`test my connection: all is well, and calls go directly: ${locale}`, async (stage) => {
    const ann = await stage.chromium({ ...ANN, locale, dark, viewport: PHONE });
    await ann.tab.playwright?.context().grantPermissions(['camera', 'microphone', 'clipboard-read', 'clipboard-write']);
    await toTest(ann);
    await assertLooks(ann, 'before the test');
    const found = await tests(ann, 'direct');
    const { ipv6, ...rest } = found;
    assert.match(ipv6 ?? '', /^(ok|note) ipv6-/); // as the machine has it
    assert.deepEqual(rest, {
      microphone: 'ok device-granted', camera: 'ok device-granted', websocket: 'ok websocket-ok', reach: 'ok reach-ok', clock: 'ok clock-ok',
      udp: 'ok udp-ok', 'relay-tcp': 'ok relay-ok',
    });
    await assertLooks(ann, 'after the test');

    await ann.tab.click(by('connection-copy'));
    await ann.tab.until((s) => /Copied|已复制/.test(document.querySelector(s)?.textContent ?? ''), by('connection-copied'));
    const report = await ann.tab.evaluate(() => navigator.clipboard.readText());
    for (const check of Object.values(found)) assert.ok(report.includes(`(${check.split(' ')[1]})`), `${check} is not in:\n${report}`);
    assert.ok(report.includes(stage.server.url) && report.includes('[direct]'), report);
    assert.ok(!report.includes(PASSWORD) && !/\bann\b|turn_|candidate:/.test(report), report);

    assert.deepEqual(Object.keys(await tests(ann, 'direct')), Object.keys(found)); // once more
  });

  scenario(`test my connection: what is in the way is named, and calls go through the relay: ${locale}`, async (stage) => {
    const ann = await stage.chromium({ ...ANN, locale, dark, viewport: PHONE, devices: 'missing', keepsCallsOff: true });
    // The server's clock, as one sees it from a device that is five minutes late.
    await ann.tab.playwright?.route('**/reach', async (route) => {
      const response = await route.fetch();
      const answer = await response.json();
      await route.fulfill({ response, json: { ...answer, time: new Date(Date.parse(answer.time) + 300_000).toISOString() } });
    });
    await toTest(ann);
    const { ipv6, ...rest } = await tests(ann, 'relay');
    assert.deepEqual(rest, {
      microphone: 'warn device-missing', camera: 'warn device-missing', websocket: 'ok websocket-ok', reach: 'ok reach-ok', clock: 'warn clock-off',
      udp: 'warn udp-browser', 'relay-tcp': 'ok relay-ok',
    });
    assert.match(ipv6 ?? '', /^note ipv6-/);
    await assertLooks(ann, 'what is in the way');
  });
}

scenario('test my connection: a server that does not say how calls reach it', async (stage) => {
  const ann = await stage.chromium({ ...ANN, viewport: PHONE });
  await ann.tab.playwright?.route('**/reach', (route) => route.fulfill({ status: 404 }));
  await toTest(ann);
  const found = await tests(ann, 'relay');
  assert.equal(found.reach, 'fail reach-missing');
  assert.equal(found.clock, 'skip unknown');
  assert.equal(found.udp, 'skip unknown');
  await assertLooks(ann, 'a server that cannot be asked');
});

scenario('test my connection: a browser without WebRTC', async (stage) => {
  const ann = await stage.chromium({ ...ANN, viewport: PHONE, locale: 'zh-CN' });
  await ann.tab.playwright?.addInitScript(() => Reflect.deleteProperty(globalThis, 'RTCPeerConnection'));
  await toTest(ann);
  const found = await tests(ann, 'none');
  assert.deepEqual([found.udp, found['relay-tcp']], ['warn udp-browser', 'skip unknown']);
  await assertLooks(ann, 'a browser without WebRTC');
});

scenario('test my connection: without a relay', async (stage) => {
  const ann = await stage.chromium({ ...ANN, viewport: PHONE });
  await toTest(ann);
  const well = await tests(ann, 'direct');
  assert.deepEqual([well.udp, well['relay-tcp'], well['relay-tls']], ['ok udp-ok', 'warn relay-off', undefined]);
  await assertLooks(ann, 'without a relay');

  // Nothing answers at a port that another socket has: what is sent there is lost, as behind a firewall.
  const hole = createSocket('udp4');
  await new Promise((resolve) => hole.bind(0, '127.0.0.1', () => resolve(undefined)));
  await ann.tab.playwright?.route('**/reach', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...(await response.json()), udp: hole.address().port, udp_heard: 0 } });
  });
  try {
    const blocked = await tests(ann, 'maybe');
    assert.deepEqual([blocked.udp, blocked['relay-tcp']], ['fail udp-server', 'warn relay-off']);
    await assertLooks(ann, 'without a relay and UDP');
  } finally {
    hole.close();
  }
}, ['--relay', 'off']);
