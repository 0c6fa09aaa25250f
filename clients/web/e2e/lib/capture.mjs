// Makes what a fake camera and a fake microphone deliver: a looped film of the picture code, and a voice of one tone.
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { pictureCode } from '../page/code.mjs';

const WIDTH = 640;
const HEIGHT = 360;
const FPS = 15;
const RATE = 48000;

/**
 * Writes a film of `id` that loops without a jump: PERIOD frames, 640×360, 15 a second (31 MB).
 * @param {string} path a new .y4m file @param {number} id 0 to 255
 * @param {{frozen?: boolean, grain?: boolean}} [flaw] frozen: the counter stays where it is; grain: noise that takes all the bits there are
 */
export function writeFilm(path, id, { frozen = false, grain = false } = {}) {
  const code = pictureCode();
  const block = WIDTH / code.COLS;
  const noise = Int8Array.from({ length: grain ? 2 * WIDTH * HEIGHT : 0 }, () => Math.random() * 24 - 12);
  const file = openSync(path, 'w');
  try {
    writeSync(file, `YUV4MPEG2 W${WIDTH} H${HEIGHT} F${FPS}:1 Ip A1:1 C420jpeg\n`);
    const frame = Buffer.alloc(WIDTH * HEIGHT * 1.5);
    // One tint a person, so that a human who looks at a screenshot tells them apart as well.
    frame.fill(96 + ((id * 53) % 64), WIDTH * HEIGHT, WIDTH * HEIGHT * 1.25);
    frame.fill(96 + ((id * 97) % 64), WIDTH * HEIGHT * 1.25);
    for (let counter = 0; counter < code.PERIOD; counter++) {
      const blocks = code.encode({ id, counter: frozen ? 0 : counter });
      for (let y = 0; y < HEIGHT; y++) {
        const row = Math.floor(y / block) * code.COLS;
        for (let col = 0; col < code.COLS; col++) frame.fill(blocks[row + col] ? 210 : 45, y * WIDTH + col * block, y * WIDTH + (col + 1) * block);
      }
      if (grain) {
        const from = Math.floor(Math.random() * WIDTH * HEIGHT);
        for (let i = 0; i < WIDTH * HEIGHT; i++) frame[i] += noise[from + i];
      }
      writeSync(file, 'FRAME\n');
      writeSync(file, frame);
    }
  } finally {
    closeSync(file);
  }
}

/**
 * Writes a voice: 6 s of one tone at half amplitude that swells and ebbs like syllables, because a browser's noise suppression takes a steady tone away.
 * @param {string} path a new .wav file @param {number} tone Hz; 0 is silence
 */
export function writeVoice(path, tone) {
  const samples = RATE * 6;
  const wav = Buffer.alloc(44 + samples * 2);
  wav.write('RIFF', 0);
  wav.writeUInt32LE(wav.length - 8, 4);
  wav.write('WAVEfmt ', 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20); // PCM
  wav.writeUInt16LE(1, 22); // one channel
  wav.writeUInt32LE(RATE, 24);
  wav.writeUInt32LE(RATE * 2, 28);
  wav.writeUInt16LE(2, 32);
  wav.writeUInt16LE(16, 34);
  wav.write('data', 36);
  wav.writeUInt32LE(samples * 2, 40);
  for (let i = 0; i < samples; i++) {
    const t = i / RATE;
    const syllable = Math.max(0, Math.sin(2 * Math.PI * 2 * t));
    wav.writeInt16LE(Math.round(16000 * syllable * (tone ? Math.sin(2 * Math.PI * tone * t) : 0)), 44 + i * 2);
  }
  writeFileSync(path, wav);
}
