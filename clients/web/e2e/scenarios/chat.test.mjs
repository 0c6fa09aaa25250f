import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ANN, BEN } from '../lib/people.mjs';
import { scenario } from '../lib/stage.mjs';
import { attach, by, hears, openChat, openConversation, say, sees, signUp } from '../lib/ui.mjs';

const sha256 = (/** @type {Uint8Array} */ bytes) => createHash('sha256').update(bytes).digest('hex');

scenario('chat both ways with a picture and a file, Chromium and Firefox', async (stage) => {
  const dir = mkdtempSync(join(tmpdir(), 'neochat-e2e-files-'));
  try {
    const ann = await stage.chromium(ANN);
    const ben = await stage.firefox(BEN);
    await signUp(ann);
    await signUp(ben);

    await openChat(ann, ben.account);
    await say(ann, 'hello Ben\nsecond line <b>not bold</b> 你好');
    await openConversation(ben, ann.account);
    await hears(ben, ann.account, 'second line <b>not bold</b> 你好');
    await say(ben, 'hello Ann');
    await hears(ann, ben.account, 'hello Ann');

    const picture = join(dir, 'face.png');
    await ann.tab.screenshot(picture);
    await attach(ann, picture);
    const preview = `${by('message')} ${by('image-preview')}`;
    await sees(ben, preview);
    await ben.tab.until((s) => {
      const image = document.querySelector(`${s} img, ${s}:is(img)`);
      return image instanceof HTMLImageElement && image.complete && image.naturalWidth > 0;
    }, preview);

    const report = join(dir, 'report 1.txt');
    writeFileSync(report, Buffer.alloc(200_000, 'words and numbers 12\n'));
    await attach(ben, report);
    const link = `${by('message', { author: ben.account })} ${by('file-link')}`;
    await sees(ann, link);
    const served = await ann.tab.evaluate(async (s) => {
      const anchor = document.querySelector(`${s}:is(a), ${s} a`);
      if (!(anchor instanceof HTMLAnchorElement)) return null;
      const bytes = new Uint8Array(await (await fetch(anchor.href)).arrayBuffer());
      const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
      return { label: anchor.textContent ?? '', hash: [...hash].map((byte) => byte.toString(16).padStart(2, '0')).join('') };
    }, link);
    assert.equal(served?.hash, sha256(readFileSync(report)));
    assert.match(served?.label ?? '', /report 1\.txt/);
  } finally {
    rmSync(dir, { recursive: true });
  }
});
