import { describe, expect, it } from 'vitest';
import { fitted, kindOf, lookOf, readFileInfo } from './fileinfo';
import { readLine } from './line';
import { compose } from './markup';
import { picturesIn } from './pictures';
import { hasPlace } from './place';
import { speedOf, withSample, type Sample } from './speed';
import { withEdit, withoutContent } from './timeline';
import { moved, whole, zoomed } from '../ui/files/zoom';

describe('file_info', () => {
  it('is read, a file a line, with what is not known as 0', () => {
    expect(readFileInfo('a_1_x.png 1200 image/png 640x480 - preview\na_2_y.txt 9 text/plain; charset=utf-8 - - -\nb_3_z.mp4 77 video/mp4 - 4500 -')).toEqual([
      { name: 'a_1_x.png', size: 1200, content_type: 'image/png', width: 640, height: 480, duration_ms: 0, preview: true },
      { name: 'a_2_y.txt', size: 9, content_type: 'text/plain; charset=utf-8', width: 0, height: 0, duration_ms: 0, preview: false },
      { name: 'b_3_z.mp4', size: 77, content_type: 'video/mp4', width: 0, height: 0, duration_ms: 4500, preview: false },
    ]);
    expect(readFileInfo()).toEqual([]);
    expect(readFileInfo('nonsense\na_1_x many image/png - - -')).toEqual([]);
  });
  it('comes with a line, stays with an edit that tells none, and goes with the text', () => {
    const line = readLine({ seq: '1', text: compose('', ['a_1_x.png']), file_info: 'a_1_x.png 5 image/png 10x20 - preview' });
    expect(line.files[0]?.height).toBe(20);
    expect(withEdit(line, { text: 'x', edited: '3' }).files).toHaveLength(1);
    expect(withEdit(line, { text: 'x', edited: '3', file_info: '' }).files).toEqual([]);
    expect(withoutContent(line, false).files).toEqual([]);
  });
});

describe('a file', () => {
  it.each([
    ['a_1_x.JPG', 'application/octet-stream', 'picture'],
    ['a_1_x.m4a', 'video/mp4', 'audio'],
    ['a_1_x.svg', 'image/svg+xml', 'card'],
    ['a_1_page.html', 'image/png', 'card'],
    ['a_1_noname', 'image/webp', 'picture'],
    ['a_1_noname', 'video/webm', 'video'],
    ['a_1_noname', 'text/html; charset=utf-8', 'card'],
  ])('%s of type %s is shown as a %s', (name, type, look) => expect(lookOf(name, type)).toBe(look));
  it('is of a kind', () => expect(['a_1_x.pdf', 'a_1_y.tar', 'a_1_z', 'a_1_q.xyz'].map(kindOf)).toEqual(['kind_document', 'kind_archive', 'file', 'file']));
  it('keeps its shape within a box, and is never made larger', () => {
    expect(fitted({ width: 4000, height: 3000 }, { width: 320, height: 320 })).toEqual({ width: 320, height: 240 });
    expect(fitted({ width: 100, height: 50 }, { width: 320, height: 320 })).toEqual({ width: 100, height: 50 });
    expect(fitted({ width: 9000, height: 10 }, { width: 320, height: 320 })).toEqual({ width: 320, height: 48 });
    expect(fitted({ width: 0, height: 0 }, { width: 320, height: 200 })).toEqual({ width: 320, height: 200 });
  });
});

describe('the pictures of a history', () => {
  it('are those of its texts, in order, and none that is hidden', () => {
    const line = (seq: string, text: string, more = {}) => readLine({ seq, text, ...more });
    const all = [line('1', compose('see', ['a_1_x.png', 'a_2_y.txt'])), line('2', compose('', ['a_3_z.jpg'])), line('3', '<file>a_4_q.png</file>', { message_type: 'deleted', for: 'me' })];
    expect(picturesIn(all).map((p) => [p.name, p.line.seq])).toEqual([['a_1_x.png', 1], ['a_3_z.jpg', 2]]);
  });
});

describe('the speed', () => {
  it('is that of the last seconds', () => {
    let samples: Sample[] = [];
    for (let at = 0; at <= 20_000; at += 100) samples = withSample(samples, { at, bytes: at <= 10_000 ? at * 10 : 100_000 + (at - 10_000) * 50 });
    expect(samples.length).toBeLessThan(60);
    expect(speedOf(samples)).toBe(50_000);
  });
  it('is not known at once', () => {
    expect(speedOf([])).toBe(0);
    expect(speedOf([{ at: 0, bytes: 0 }, { at: 100, bytes: 5000 }])).toBe(0);
    expect(speedOf([{ at: 0, bytes: 900 }, { at: 1000, bytes: 100 }])).toBe(0);
  });
});

describe('the place a picture was taken', () => {
  /** A TIFF whose first directory has these tags. */
  const tiff = (tags: number[], little: boolean) => {
    const view = new DataView(new ArrayBuffer(10 + 12 * tags.length + 4));
    view.setUint16(0, little ? 0x4949 : 0x4d4d);
    view.setUint16(2, 42, little);
    view.setUint32(4, 8, little);
    view.setUint16(8, tags.length, little);
    tags.forEach((tag, at) => view.setUint16(10 + 12 * at, tag, little));
    return [...new Uint8Array(view.buffer)];
  };
  const letters = (text: string) => Array.from(text, (c) => c.charCodeAt(0));
  const bytes = (...parts: number[][]) => new Uint8Array([0xff, 0xd8, ...parts.flat()]);
  it.each([true, false])('is found in EXIF, little-endian %s', (little) => {
    expect(hasPlace(bytes(letters('Exif\0\0'), tiff([0x10f, 0x8825], little)))).toBe(true);
    expect(hasPlace(bytes(letters('eXIf'), tiff([0x8825], little)))).toBe(true);
    expect(hasPlace(bytes(letters('EXIF....'), tiff([0x8825], little)))).toBe(true);
    expect(hasPlace(bytes(letters('Exif\0\0'), tiff([0x10f, 0x110], little)))).toBe(false);
  });
  it('is found in XMP', () => expect(hasPlace(bytes(letters('<rdf:Description exif:GPSLatitude="52,31N"/>')))).toBe(true));
  it('is not found where there is none, nor in what is cut off', () => {
    expect(hasPlace(new Uint8Array())).toBe(false);
    expect(hasPlace(bytes(letters('Exif\0\0'), tiff([0x10f, 0x8825], true).slice(0, 14)))).toBe(false);
  });
});

describe('a picture looked at closely', () => {
  const size = { width: 1000, height: 600 };
  it('keeps the point under the pointer', () => {
    const view = zoomed(whole, 2, 200, -100, size);
    expect(view).toEqual({ scale: 2, x: -200, y: 100 });
    expect(zoomed(view, 0.5, 200, -100, size)).toEqual(whole);
  });
  it('stays on the stage, and between whole and eight times', () => {
    expect(moved({ scale: 2, x: 0, y: 0 }, 9999, -9999, size)).toEqual({ scale: 2, x: 500, y: -300 });
    expect(zoomed(whole, 0.1, 50, 50, size)).toEqual(whole);
    expect(zoomed(whole, 100, 0, 0, size).scale).toBe(8);
  });
});
