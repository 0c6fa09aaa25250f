import assert from 'node:assert/strict';
import { createHash, randomFillSync } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeVideo } from '../lib/film.mjs';
import { dragFiles, slowLine } from '../lib/network.mjs';
import { ANN, BEN } from '../lib/people.mjs';
import { scenario } from '../lib/stage.mjs';
import { attach, by, openChat, openConversation, reads, say, sees, seesNoMore, signUp } from '../lib/ui.mjs';

/** @typedef {import('../lib/stage.mjs').Stage} Stage @typedef {import('../lib/stage.mjs').Actor} Actor */

const MB = 1_000_000;

/** Two people who chat, in one Chromium. @param {Stage} stage @param {Partial<import('../lib/browsers.mjs').Person>} [look] of Ann */
async function chatting(stage, look = {}) {
  const ann = await stage.chromium({ ...ANN, ...look });
  const ben = await stage.beside(ann, BEN);
  await signUp(ann);
  await signUp(ben);
  await openChat(ann, ben.account);
  await say(ann, 'Shall I send it?');
  await openConversation(ben, ann.account);
  return { ann, ben };
}

/** Declares a scenario that has a folder for its files. @param {string} name @param {(stage: Stage, dir: string) => Promise<void>} scene @param {string[]} [flags] */
const withFiles = (name, scene, flags) => scenario(name, async (stage) => {
  const dir = mkdtempSync(join(tmpdir(), 'neochat-e2e-files-'));
  try {
    await scene(stage, dir);
  } finally {
    rmSync(dir, { recursive: true });
  }
}, flags);

/** Writes a file that nothing makes smaller; answers its SHA-256. @param {string} path @param {number} size bytes */
function writeNoise(path, size) {
  const hash = createHash('sha256');
  const file = openSync(path, 'w');
  for (let left = size; left > 0;) {
    const bytes = randomFillSync(Buffer.alloc(Math.min(left, 4 * MB)));
    writeSync(file, bytes);
    hash.update(bytes);
    left -= bytes.length;
  }
  closeSync(file);
  return hash.digest('hex');
}

/** SHA-256 and size of what somebody gets of a file, piece by piece. @param {Actor} actor in Chromium @param {string} name */
async function received(actor, name) {
  const cookies = await actor.tab.playwright?.context().cookies() ?? [];
  const response = await fetch(`${actor.url}/files/${name}`, { headers: { Cookie: cookies.map((c) => `${c.name}=${c.value}`).join('; ') } });
  assert.equal(response.status, 200, name);
  const hash = createHash('sha256');
  let size = 0;
  for await (const piece of /** @type {AsyncIterable<Uint8Array>} */ (/** @type {unknown} */ (response.body))) {
    hash.update(piece);
    size += piece.length;
  }
  return { hash: hash.digest('hex'), size };
}

/** The NAME of the last file of that kind that somebody sees. @param {Actor} actor @param {'file-link' | 'picture' | 'video'} kind @param {number} [count] how many there are then */
async function lastName(actor, kind, count = 1) {
  await actor.tab.until(({ s, n }) => document.querySelectorAll(s).length >= n, { s: `${by('message', { state: 'sent' })} ${by(kind)}`, n: count });
  return actor.tab.evaluate((s) => [...document.querySelectorAll(s)].at(-1)?.getAttribute('data-name') ?? '', by(kind));
}

/** Waits until so many bytes of the first file on its way have left. @param {Actor} actor @param {number} bytes */
const sends = (actor, bytes) => actor.tab.until(({ s, b }) => Number(document.querySelector(s)?.getAttribute('data-sent')) >= b, { s: by('attachment'), b: bytes });

/** Bytes of the first file on its way that have left. @param {Actor} actor */
const sentBy = (actor) => actor.tab.evaluate((s) => Number(document.querySelector(s)?.getAttribute('data-sent')), by('attachment'));

/** What a selector's elements are, as boxes in whole pixels. @param {Actor} actor @param {string} selector */
const boxes = (actor, selector) => actor.tab.evaluate((s) => [...document.querySelectorAll(s)].map((e) => {
  const { width, height } = e.getBoundingClientRect();
  return { width: Math.round(width), height: Math.round(height) };
}), selector);

withFiles('200 MB are paused and resumed, go on by themselves after the server was replaced and after it was killed, and arrive whole', async (stage, dir) => {
  const { ann, ben } = await chatting(stage);
  const path = join(dir, 'archive 1 – 你好.zip');
  const hash = writeNoise(path, 200 * MB);
  const atFullSpeed = await slowLine(ann, { up: 20 * MB });
  await attach(ann, path);
  await sends(ann, 25 * MB);
  await reads(ann, by('upload-state'), '/s');
  await ann.tab.click(by('upload-pause'));
  await sees(ann, by('attachment', { step: 'paused' }));
  const paused = await sentBy(ann);
  await stage.server.replace();
  await say(ann, 'It is large.'); // one can go on talking
  assert.equal(await sentBy(ann), paused, 'it went on while it was paused');
  await ann.tab.click(by('upload-resume'));
  await sends(ann, 80 * MB);
  await stage.server.replace();
  await sends(ann, 130 * MB);
  await stage.server.crash();
  await sends(ann, 160 * MB);
  await atFullSpeed();
  const name = await lastName(ben, 'file-link');
  await seesNoMore(ann, by('attachment'));
  assert.deepEqual(await received(ben, name), { hash, size: 200 * MB });
  await reads(ben, by('file-link'), 'archive 1 – 你好.zip');
  await reads(ben, by('file-link'), '200 MB');
});

withFiles('an upload that a reload broke off goes on where it was, when its file is picked again', async (stage, dir) => {
  const { ann, ben } = await chatting(stage);
  const path = join(dir, 'film.bin');
  const hash = writeNoise(path, 60 * MB);
  let atFullSpeed = await slowLine(ann, { up: 10 * MB });
  await ann.tab.upload(by('attach'), path);
  await sends(ann, 30 * MB);
  await ann.tab.reload();
  await sees(ann, by('unfinished', { name: 'film.bin' }));
  await atFullSpeed();
  atFullSpeed = await slowLine(ann, { up: 1 * MB });
  await ann.tab.upload(by('unfinished-pick'), path);
  await seesNoMore(ann, by('unfinished'));
  // Of the 16 MiB pieces one at least is kept; from the beginning it would be far from there.
  await sends(ann, 16 * MB);
  await atFullSpeed();
  await sees(ann, by('attachment', { step: 'done' }));
  await ann.tab.click(by('send'));
  assert.deepEqual(await received(ben, await lastName(ben, 'file-link')), { hash, size: 60 * MB });
  await ann.tab.reload();
  await sees(ann, by('composer'));
  await seesNoMore(ann, by('unfinished'));
});

withFiles('several files: three at once, the others wait; one is given up, and the rest is sent', async (stage, dir) => {
  const { ann, ben } = await chatting(stage);
  const paths = [1, 2, 3, 4, 5].map((n) => join(dir, `part-${n}.bin`));
  paths.forEach((path) => writeNoise(path, 3 * MB));
  const atFullSpeed = await slowLine(ann, { up: 300_000 });
  await attach(ann, ...paths);
  await sees(ann, by('attachment', { step: 'going' }));
  const steps = await ann.tab.evaluate((s) => [...document.querySelectorAll(s)].map((e) => e.getAttribute('data-step')), by('attachment'));
  assert.deepEqual(steps, ['going', 'going', 'going', 'queued', 'queued']);
  await ann.tab.click(`${by('attachment', { name: 'part-2.bin' })} ${by('upload-cancel')}`);
  await sees(ann, by('attachment', { name: 'part-4.bin', step: 'going' }));
  await atFullSpeed();
  await lastName(ben, 'file-link', 4);
  const links = await ben.tab.evaluate((s) => [...document.querySelectorAll(s)].map((e) => e.getAttribute('download')), by('file-link'));
  assert.deepEqual(links, ['part-1.bin', 'part-3.bin', 'part-4.bin', 'part-5.bin']);
});

withFiles('files are dropped anywhere on the conversation, and pictures are pasted', async (stage, dir) => {
  const { ann, ben } = await chatting(stage);
  const path = join(dir, 'notes.txt');
  writeFileSync(path, 'dropped');
  const drop = await dragFiles(ann, by('timeline'), [path]);
  await sees(ann, by('drop-zone'));
  await drop();
  await seesNoMore(ann, by('drop-zone'));
  await sees(ann, by('attachment', { name: 'notes.txt', step: 'done' }));
  await ann.tab.click(by('send'));
  await lastName(ben, 'file-link');

  const folder = await dragFiles(ann, by('composer'), [dir]);
  await folder();
  await reads(ann, by('notice'), 'ZIP');
  await seesNoMore(ann, by('attachment'));

  await ann.tab.playwright?.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await ann.tab.evaluate(async () => {
    const canvas = document.createElement('canvas');
    canvas.width = 300;
    canvas.height = 100;
    canvas.getContext('2d')?.fillRect(20, 20, 200, 60);
    const picture = await new Promise((resolve) => canvas.toBlob(resolve));
    await navigator.clipboard.write([new ClipboardItem({ 'image/png': picture })]);
  });
  await ann.tab.click(by('composer'));
  await ann.tab.playwright?.keyboard.press('Control+V');
  await sees(ann, by('attachment', { step: 'done' }));
  await ann.tab.click(by('send'));
  await sees(ben, by('image-preview'));
  assert.deepEqual(await boxes(ben, by('picture')), [{ width: 300, height: 100 }]);
});

withFiles('a picture has its place before it is there, and is looked at closely', async (stage, dir) => {
  const { ann, ben } = await chatting(stage);
  const pictures = [1, 2, 3].map((n) => join(dir, `picture ${n}.png`));
  for (const path of pictures) await ann.tab.screenshot(path);
  /** @type {(arg?: unknown) => void} */
  let release = () => {};
  const released = new Promise((resolve) => (release = resolve));
  await ben.tab.playwright?.route('**/files/**', (route) => released.then(() => route.continue()));
  await attach(ann, pictures[0]);
  await sees(ben, by('picture'));
  const before = await boxes(ben, by('picture'));
  assert.deepEqual(before, [{ width: 320, height: 200 }]); // of 1280×800
  release();
  const loaded = (/** @type {string} */ s) => ben.tab.until((selector) => [...document.querySelectorAll(selector)].every((i) => i instanceof HTMLImageElement && i.complete && i.naturalWidth > 0), s);
  await loaded(by('image-preview'));
  assert.deepEqual(await boxes(ben, by('picture')), before);
  const small = await ben.tab.evaluate((s) => /** @type {HTMLImageElement} */ (document.querySelector(s)).naturalWidth, by('image-preview'));
  assert.equal(small, 512, 'the small picture is not the one shown');

  await attach(ann, pictures[1], pictures[2]);
  await lastName(ben, 'picture', 3);
  await ben.tab.click(`${by('picture')} >> nth=1`);
  await sees(ben, by('viewer-picture', { state: 'there' }));
  const large = await ben.tab.evaluate((s) => /** @type {HTMLImageElement} */ (document.querySelector(s)).naturalWidth, by('viewer-picture'));
  assert.equal(large, 1280, 'the whole picture is not the one looked at');
  await reads(ben, by('viewer-status'), '2 of 3');
  await ben.tab.press('ArrowRight');
  await reads(ben, by('viewer-status'), '3 of 3');
  await ben.tab.click(by('viewer-previous'));
  await ben.tab.click(by('viewer-previous'));
  await reads(ben, by('viewer-status'), '1 of 3');
  await ben.tab.click(by('zoom-in'));
  await sees(ben, by('viewer-stage', { scale: '1.56' }));
  await ben.tab.press('Escape');
  await seesNoMore(ben, by('viewer'));
  const focused = await ben.tab.evaluate((s) => [...document.querySelectorAll(s)].indexOf(/** @type {Element} */ (document.activeElement)), by('picture'));
  assert.equal(focused, 1, 'the focus did not go back to where one was');
});

withFiles('a video shows a still before it is played, plays while it loads, and from wherever one goes', async (stage, dir) => {
  const { ann, ben } = await chatting(stage);
  const path = join(dir, 'film.webm');
  writeFileSync(path, await makeVideo(ann.tab, 77, 30, 2_500_000));
  await attach(ann, path);
  await sees(ben, by('video'));
  assert.deepEqual(await boxes(ben, by('video')), [{ width: 360, height: 203 }]);
  await reads(ben, by('video'), '0:30');
  const poster = await ben.tab.evaluate(async (s) => {
    const video = /** @type {HTMLVideoElement} */ (document.querySelector(s));
    const image = new Image();
    image.src = video.poster;
    await image.decode();
    return { width: image.naturalWidth, loaded: video.readyState };
  }, `${by('video')} video`);
  assert.deepEqual(poster, { width: 512, loaded: 0 }, 'the still, and nothing loaded of the video');

  const atFullSpeed = await slowLine(ben, { down: 500_000 }); // all of it would take 18 s
  const place = await ben.tab.evaluate(async (s) => {
    const video = /** @type {HTMLVideoElement} */ (document.querySelector(s));
    video.muted = true;
    await video.play();
    video.currentTime = 24;
    await new Promise((resolve) => video.addEventListener('seeked', resolve, { once: true }));
    const loaded = Array.from({ length: video.buffered.length }, (_, i) => video.buffered.end(i) - video.buffered.start(i)).reduce((a, b) => a + b, 0);
    return { loaded, duration: video.duration };
  }, `${by('video')} video`);
  assert.ok(place.loaded < 25, `${place.loaded} s of ${place.duration} were loaded before it went on at 24 s`);
  const film = await ben.tab.evaluate((options) => globalThis.neoE2E.watchFilm(options), { selector: `${by('video')} video`, frames: 2, patience: 20_000 });
  assert.equal(film.stamps.length, 2, `nothing is seen after going to 24 s: ${film.state}`);
  for (const stamp of film.stamps) assert.ok(stamp.id === 77 && stamp.counter >= 24, `the picture of second ${stamp.counter}`);
  await atFullSpeed();
});

withFiles('one sees what takes space and where it was sent, and deletes it; the message says that it is gone', async (stage, dir) => {
  const { ann, ben } = await chatting(stage);
  writeFileSync(join(dir, 'small.txt'), 'x'.repeat(1000));
  writeFileSync(join(dir, 'large.bin'), Buffer.alloc(2 * MB, 7));
  await attach(ann, join(dir, 'large.bin'));
  await lastName(ben, 'file-link');
  await attach(ann, join(dir, 'small.txt'));
  await lastName(ben, 'file-link', 2);
  await ann.tab.click(by('settings'));
  await reads(ann, by('usage'), '2.0 MB of');
  const order = () => ann.tab.evaluate((s) => [...document.querySelectorAll(s)].map((e) => e.textContent), `${by('own-file')} a`);
  assert.deepEqual(await order(), ['large.bin', 'small.txt']);
  await ann.tab.playwright?.locator(by('storage-order')).selectOption('time');
  await ann.tab.until((s) => document.querySelector(s)?.textContent === 'small.txt', `${by('own-file')} a`);
  await ann.tab.click(`${by('own-file')}:nth-child(2) ${by('own-file-where')}`);
  await ann.tab.until((s) => document.activeElement?.matches(s) && document.activeElement.textContent?.includes('large.bin'), by('message'));
  await ann.tab.click(by('settings'));
  await ann.tab.click(`${by('own-file')}:nth-child(1) ${by('own-file-delete')}`);
  await ann.tab.click(by('confirm-yes'));
  await reads(ann, by('usage'), '1.0 kB of');
  assert.deepEqual(await order(), ['small.txt']);
  await ben.tab.reload();
  await sees(ben, by('file-gone'));
  await reads(ben, by('file-gone'), 'large.bin');
  await reads(ben, by('file-link'), 'small.txt');
});

withFiles('files that do not fit are refused in words, and removed they hold up nothing', async (stage, dir) => {
  const { ann, ben } = await chatting(stage);
  writeNoise(join(dir, 'too-large.bin'), 3 * MB);
  writeNoise(join(dir, 'first.bin'), 1_800_000);
  writeNoise(join(dir, 'second.bin'), 1_800_000);
  await attach(ann, join(dir, 'too-large.bin'));
  await reads(ann, by('upload-state'), 'too large');
  await ann.tab.click(by('upload-cancel'));
  await attach(ann, join(dir, 'first.bin'));
  await lastName(ben, 'file-link');
  await attach(ann, join(dir, 'second.bin'));
  await reads(ann, by('upload-state'), 'Storage');
  await say(ann, 'It does not fit.');
  await ann.tab.click(by('upload-cancel'));
  await seesNoMore(ann, by('message', { state: 'uploading' }));
}, ['--max-file', '2', '--quota', '3']);

withFiles('where a picture was taken is taken out of it, unless one keeps it', async (stage, dir) => {
  const { ann, ben } = await chatting(stage);
  const path = join(dir, 'holiday.jpg');
  writeFileSync(path, await photo(ann));
  const placeIn = async (/** @type {string} */ name) => ben.tab.evaluate(async (url) => {
    const bytes = new Uint8Array(await (await fetch(url)).arrayBuffer());
    return new TextDecoder('latin1').decode(bytes).includes('GPS-HERE');
  }, `/files/${name}`);
  await ann.tab.upload(by('attach'), path);
  await sees(ann, by('keep-place'));
  await ann.tab.click(by('send'));
  assert.equal(await placeIn(await lastName(ben, 'picture')), false, 'the place is still in it');
  await ann.tab.upload(by('attach'), path);
  await ann.tab.click(by('keep-place'));
  await sees(ann, by('attachment', { step: 'done' }));
  await ann.tab.click(by('send'));
  assert.equal(await placeIn(await lastName(ben, 'picture', 2)), true, 'the place was to stay');
});

/** A JPEG that tells where it was taken. @param {Actor} actor in Chromium @returns {Promise<Buffer>} */
async function photo(actor) {
  const plain = await actor.tab.playwright?.screenshot({ type: 'jpeg' });
  assert.ok(plain);
  // One directory with one entry, that of GPS; in it one entry of text, behind it the text.
  const tiff = Buffer.alloc(8 + 18 + 18 + 9);
  tiff.write('II*\0', 'latin1');
  tiff.writeUInt32LE(8, 4);
  const entry = (/** @type {number} */ at, /** @type {number} */ tag, /** @type {number} */ type, /** @type {number} */ count, /** @type {number} */ value) => {
    tiff.writeUInt16LE(1, at);
    tiff.writeUInt16LE(tag, at + 2);
    tiff.writeUInt16LE(type, at + 4);
    tiff.writeUInt32LE(count, at + 6);
    tiff.writeUInt32LE(value, at + 10);
  };
  entry(8, 0x8825, 4, 1, 26);
  entry(26, 0x1b, 2, 9, 44);
  tiff.write('GPS-HERE\0', 44, 'latin1');
  const exif = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff]);
  const head = Buffer.alloc(4);
  head.writeUInt16BE(0xffe1, 0);
  head.writeUInt16BE(exif.length + 2, 2);
  return Buffer.concat([plain.subarray(0, 2), head, exif, plain.subarray(2)]);
}

withFiles('a phone offers the gallery, the camera and files', async (stage, dir) => {
  const { ann, ben } = await chatting(stage, { viewport: { width: 390, height: 844 }, fingers: true });
  const picture = join(dir, 'IMG_0001.png');
  await ann.tab.screenshot(picture);
  for (const [way, accept, capture] of [['attach_gallery', 'image/*,video/*', null], ['attach_camera', 'image/*', 'environment'], ['attach_film', 'video/*', 'environment'], ['attach_files', null, null]]) {
    await ann.tab.click(by('attach-menu'));
    const asked = ann.tab.playwright?.waitForEvent('filechooser');
    await ann.tab.click(by(`menu-${way}`));
    const input = (await asked)?.element();
    assert.equal(await input?.getAttribute('accept'), accept, String(way));
    assert.equal(await input?.getAttribute('capture'), capture, String(way));
    if (way !== 'attach_gallery') continue;
    await (await asked)?.setFiles([picture]);
    await sees(ann, by('attachment', { step: 'done' }));
    await ann.tab.click(by('send'));
    await sees(ben, by('image-preview'));
  }
});
