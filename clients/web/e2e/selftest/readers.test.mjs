// The readers tell right from wrong: every flaw they are there for is made on purpose here and must be found.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openChromium, openFirefox } from '../lib/browsers.mjs';
import { assertFilm, assertVoice } from '../lib/watch.mjs';
import { pictureCode } from '../page/code.mjs';
import { servePeers } from './pages.mjs';

const ANN = { account: 'ann', id: 17, tone: 523, screen: 117 };
const SHORT = { patience: 2000 };
const CAMERA = '[data-testid=camera]';
const SCREEN = '[data-testid=screen]';
const AUDIO = '[data-testid=remote-audio]';

test('the picture code reads back every id, and nothing where there is none', () => {
  const code = pictureCode();
  for (let id = 0; id < 256; id++) {
    const stamp = { id, counter: (id * 31) % code.PERIOD };
    const blocks = code.encode(stamp);
    const light = (/** @type {number} */ col, /** @type {number} */ row) => (blocks[row * code.COLS + col] ? 180 : 70);
    assert.deepEqual(code.decode(light), stamp);
    assert.equal(code.decode((col, row) => light(code.COLS - 1 - col, row)), null, 'mirrored');
    assert.equal(code.decode((col, row) => (row === 2 && col === 3 ? 255 - light(col, row) : light(col, row))), null, 'one block damaged');
  }
  assert.equal(code.decode(() => 128), null, 'grey');
});

for (const open of [openChromium, openFirefox]) {
  describe(`readers in ${open.name}`, () => {
    /** @type {import('../lib/browsers.mjs').Tab} */
    let tab;
    /** @type {Awaited<ReturnType<typeof servePeers>>} */
    let server;
    before(async () => {
      server = await servePeers();
      tab = await open(ANN, process.env);
      await tab.goto(server.url);
      await tab.evaluate(() => globalThis.callMyself());
    });
    after(async () => {
      await tab?.close();
      await server?.close();
    });

    test('right film, right voice', async () => {
      await assertFilm(tab, CAMERA, ANN.id);
      await assertFilm(tab, SCREEN, ANN.screen);
      await assertVoice(tab, AUDIO, ANN.tone, [698, 932]);
    });

    test('the way that media take is told', async () => {
      const paths = await tab.evaluate(() => globalThis.neoE2E.paths());
      assert.deepEqual(paths.map(({ state, way }) => [state, way]), [['connected', 'host/udp'], ['connected', 'host/udp']]);
      for (const { took, remote } of paths) {
        assert.ok(took > 0, `connected after ${took} ms`);
        assert.match(remote, /^(host|prflx) .+:[1-9]\d*$/);
      }
    });

    test('a film of somebody else is found', async () => {
      await assert.rejects(assertFilm(tab, SCREEN, ANN.id), /somebody else/);
    });

    test('a voice of somebody else is found', async () => {
      await assert.rejects(assertVoice(tab, AUDIO, 698, [ANN.tone]), /another voice/);
    });

    test('a missing film and a missing voice are found', async () => {
      await assert.rejects(assertFilm(tab, '[data-testid=nobody]', ANN.id, SHORT), /no picture: no such element/);
      await assert.rejects(assertVoice(tab, '[data-testid=nobody]', ANN.tone, [], SHORT), /silence: no such element/);
    });

    test('a muted element and a silent voice are found', async () => {
      await tab.evaluate(() => void document.querySelectorAll('audio').forEach((audio) => (audio.muted = true)));
      await assert.rejects(assertVoice(tab, AUDIO, ANN.tone, [], SHORT), /silence: muted/);
      await tab.evaluate(() => void document.querySelectorAll('audio').forEach((audio) => (audio.muted = false)));
      await tab.evaluate(() => void (globalThis.media[0].enabled = false));
      await assert.rejects(assertVoice(tab, AUDIO, ANN.tone, [], SHORT), /silence/);
    });

    test('a frozen film is found', async () => {
      await tab.evaluate(() => globalThis.from.getSenders()[1].replaceTrack(null));
      await assert.rejects(assertFilm(tab, CAMERA, ANN.id, SHORT), /frozen/);
    });

    test('a black film is found', async () => {
      await tab.evaluate(() => void (globalThis.media[2].enabled = false));
      // Black arrives a moment after it was switched; the last picture may still be read before.
      await assert.rejects(assertFilm(tab, SCREEN, ANN.screen, SHORT), /no picture|frozen/);
    });
  });
}
