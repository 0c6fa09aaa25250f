// A walk through what the client shows of files, stopping at each screen.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeVideo } from './film.mjs';
import { dragFiles, slowLine } from './network.mjs';
import { attach, by, openChat, openConversation, say, sees, seesNoMore, signUp } from './ui.mjs';

/** @typedef {import('./stage.mjs').Actor} Actor @typedef {(actor: Actor, screen: string) => Promise<unknown>} Stop */

const MB = 1_000_000;

/**
 * Ann sends Ben files of all kinds; `stop` is called at every screen.
 * @param {Actor} ann in Chromium @param {Actor} ben @param {Stop} stop
 */
export async function tourFiles(ann, ben, stop) {
  const dir = mkdtempSync(join(tmpdir(), 'neochat-e2e-files-'));
  try {
    await signUp(ann);
    await signUp(ben);
    await openChat(ann, ben.account);
    await say(ann, 'Shall I send them?');
    await openConversation(ben, ann.account);
    await uploading(ann, dir, stop);
    await media(ann, ben, dir, stop);
    await storage(ann, stop);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** What is on its way, paused, waiting, refused and dropped. @param {Actor} ann @param {string} dir @param {Stop} stop */
async function uploading(ann, dir, stop) {
  const paths = ['holiday archive 2026, all of it.zip', 'minutes.txt', '录音.bin', 'b.bin', 'c.bin'].map((name) => join(dir, name));
  paths.forEach((path, i) => writeFileSync(path, Buffer.alloc(i === 1 ? 1000 : 40 * MB, i)));
  const atFullSpeed = await slowLine(ann, { up: 2 * MB });
  await ann.tab.upload(by('attach'), ...paths);
  await ann.tab.until((s) => Number(document.querySelector(s)?.getAttribute('data-sent')) > 1_000_000, by('attachment'));
  await ann.tab.click(`${by('upload-pause')} >> nth=0`);
  await sees(ann, by('attachment', { step: 'paused' }));
  await stop(ann, 'attachments');
  await ann.tab.click(by('send'));
  await sees(ann, by('message', { state: 'uploading' }));
  await stop(ann, 'uploading');
  await ann.tab.reload();
  await sees(ann, by('unfinished'));
  await stop(ann, 'unfinished');
  await atFullSpeed();
  await sees(ann, by('composer'));
  const drop = await dragFiles(ann, by('timeline'), [paths[1] ?? '']);
  await sees(ann, by('drop-zone'));
  await stop(ann, 'drop-zone');
  await drop();
  await sees(ann, by('attachment', { name: 'minutes.txt', step: 'done' }));
  await ann.tab.click(by('send'));
  await sees(ann, by('file-link'));
}

/** Pictures, a video and sound. @param {Actor} ann @param {Actor} ben @param {string} dir @param {Stop} stop */
async function media(ann, ben, dir, stop) {
  const pictures = [1, 2, 3].map((n) => join(dir, `picture ${n}.png`));
  for (const path of pictures) await ann.tab.screenshot(path);
  await attach(ann, ...pictures);
  await ben.tab.until((s) => document.querySelectorAll(s).length === 3, by('image-preview'));
  await ben.tab.until((s) => [...document.querySelectorAll(s)].every((i) => i instanceof HTMLImageElement && i.naturalWidth > 0), by('image-preview'));
  await stop(ben, 'pictures');
  const film = join(dir, 'film.webm');
  writeFileSync(film, await makeVideo(ann.tab, 77, 5, 400_000));
  const song = join(dir, 'a song with a long name – 很长的名字.wav');
  writeFileSync(song, wav(3));
  await attach(ann, film, song);
  await sees(ben, by('video'));
  await stop(ben, 'video-and-sound');
  await stop(ann, 'video-and-sound');
  await ann.tab.click(`${by('picture')} >> nth=1`);
  await sees(ann, by('viewer-picture', { state: 'there' }));
  await stop(ann, 'viewer');
  await ann.tab.click(by('zoom-in'));
  await stop(ann, 'viewer-zoomed');
  await ann.tab.press('Escape');
  await seesNoMore(ann, by('viewer'));
}

/** What takes space; what was deleted is told. @param {Actor} ann @param {Stop} stop */
async function storage(ann, stop) {
  const wide = await ann.tab.evaluate(() => innerWidth > 700);
  if (!wide) await ann.tab.click(by('back'));
  await ann.tab.click(by('settings'));
  await sees(ann, by('own-file'));
  await ann.tab.evaluate((s) => document.querySelector(s)?.scrollIntoView({ block: 'start' }), by('usage'));
  await stop(ann, 'storage');
  await ann.tab.click(`${by('own-file')}:nth-child(1) ${by('own-file-delete')}`);
  await sees(ann, by('confirm-yes'));
  await stop(ann, 'delete');
  await ann.tab.click(by('confirm-yes'));
  await ann.tab.until((s) => document.querySelector(s)?.textContent !== 'film.webm', `${by('own-file')} a`);
  await ann.tab.click(`${by('own-file')}:nth-child(1) ${by('own-file-where')}`);
  await sees(ann, by('file-gone'));
  await stop(ann, 'file-gone');
}

/** Seconds of a tone as a WAV file. @param {number} seconds */
function wav(seconds) {
  const rate = 8000;
  const bytes = Buffer.alloc(44 + 2 * rate * seconds);
  bytes.write('RIFF', 0);
  bytes.writeUInt32LE(bytes.length - 8, 4);
  bytes.write('WAVEfmt ', 8);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(rate, 24);
  bytes.writeUInt32LE(2 * rate, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write('data', 36);
  bytes.writeUInt32LE(bytes.length - 44, 40);
  for (let i = 0; i < rate * seconds; i++) bytes.writeInt16LE(Math.round(8000 * Math.sin(i * 0.4)), 44 + 2 * i);
  return bytes;
}
