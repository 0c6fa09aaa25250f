// Makes a video file whose every frame says which second it is, by the picture code: 640×360, VP8 in WebM with an index, so that one can go to any place in it.
import { ArrayBufferTarget, Muxer } from 'webm-muxer';
import { pictureCode } from '../page/code.mjs';

const WIDTH = 640;
const HEIGHT = 360;
const FPS = 10;

/**
 * Encodes a video in a page and answers the file.
 * @param {import('./browsers.mjs').Tab} tab in Chromium, on a page of localhost @param {number} id picture id @param {number} seconds at most PERIOD
 * @param {number} bitrate bits a second; noise makes the picture need them @returns {Promise<Buffer>}
 */
export async function makeVideo(tab, id, seconds, bitrate) {
  const code = pictureCode();
  const pictures = Array.from({ length: seconds }, (_, counter) => code.encode({ id, counter }));
  const chunks = await tab.evaluate(encode, { pictures, columns: code.COLS, width: WIDTH, height: HEIGHT, fps: FPS, bitrate });
  const muxer = new Muxer({ target: new ArrayBufferTarget(), video: { codec: 'V_VP8', width: WIDTH, height: HEIGHT, frameRate: FPS } });
  for (const { data, key, timestamp } of chunks) muxer.addVideoChunkRaw(Buffer.from(data, 'base64'), key ? 'key' : 'delta', timestamp);
  muxer.finalize();
  return Buffer.from(muxer.target.buffer);
}

/**
 * Runs in the page: each picture for one second.
 * @param {{pictures: boolean[][], columns: number, width: number, height: number, fps: number, bitrate: number}} film
 */
async function encode({ pictures, columns, width, height, fps, bitrate }) {
  /** @type {{data: string, key: boolean, timestamp: number}[]} */
  const chunks = [];
  const encoder = new VideoEncoder({
    output(chunk) {
      const bytes = new Uint8Array(chunk.byteLength);
      chunk.copyTo(bytes);
      let text = '';
      for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
      chunks.push({ data: btoa(text), key: chunk.type === 'key', timestamp: chunk.timestamp });
    },
    error: (error) => console.error(error),
  });
  encoder.configure({ codec: 'vp8', width, height, bitrate, framerate: fps, latencyMode: 'quality' });
  const block = width / columns;
  const image = new ImageData(width, height);
  const canvas = new OffscreenCanvas(width, height);
  const pen = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext('2d'));
  for (let frame = 0; frame < pictures.length * fps; frame++) {
    const picture = pictures[Math.floor(frame / fps)];
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const light = (picture[Math.floor(y / block) * columns + Math.floor(x / block)] ? 205 : 50) + Math.random() * 40 - 20;
        const at = 4 * (y * width + x);
        image.data[at] = image.data[at + 1] = image.data[at + 2] = light;
        image.data[at + 3] = 255;
      }
    }
    pen.putImageData(image, 0, 0);
    const shown = new VideoFrame(canvas, { timestamp: (frame * 1e6) / fps });
    encoder.encode(shown, { keyFrame: frame % fps === 0 });
    shown.close();
    while (encoder.encodeQueueSize > 8) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await encoder.flush();
  encoder.close();
  return chunks;
}
