// The picture code: who is filmed and which frame it is, as big light and dark blocks that survive VP8 at a low bitrate
// and scaling. The same function draws for the tests (y4m), draws in a page (canvas) and reads there; it is sent into pages as
// source text, so it must not refer to anything outside itself.

/** @typedef {{id: number, counter: number}} Stamp  Which publisher (0 to 255) and which frame (0 to PERIOD-1). */

/** Makes the codec. A picture is COLS × ROWS blocks; the outer ring tells where it is and that it is not mirrored or cropped. */
export function pictureCode() {
  const COLS = 16;
  const ROWS = 9;
  const PERIOD = 90; // counters start again after so many frames: the length of the looped file
  const SYNC = 0xb5;
  const CONTRAST = 48; // of 255: two halves of a bit closer than this are no bit

  /** CRC-16/CCITT of the given bytes. @param {number[]} bytes */
  function crc16(bytes) {
    let crc = 0xffff;
    for (const byte of bytes) {
      crc ^= byte << 8;
      for (let i = 0; i < 8; i++) crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
    }
    return crc;
  }

  /** The ring: light above and left, dark below and right. @param {number} col @param {number} row */
  function ring(col, row) {
    if (row === 0) return true;
    if (row === ROWS - 1) return false;
    if (col === 0) return true;
    if (col === COLS - 1) return false;
    return undefined;
  }

  /** Every block of a picture, row by row: true is light. @param {Stamp} stamp @returns {boolean[]} */
  function encode({ id, counter }) {
    const data = [id, counter >> 8, counter & 255];
    const crc = crc16(data);
    const bits = [SYNC, ...data, crc >> 8, crc & 255].flatMap((byte) => [7, 6, 5, 4, 3, 2, 1, 0].map((b) => ((byte >> b) & 1) === 1));
    const blocks = [];
    for (let row = 0; row < ROWS; row++) {
      for (let col = 0; col < COLS; col++) {
        const edge = ring(col, row);
        const bit = bits[(row - 1) * 7 + ((col - 1) >> 1)] ?? true;
        // A bit is two blocks, itself and its opposite: reading needs no threshold.
        blocks.push(edge ?? (col % 2 === 1 ? bit : !bit));
      }
    }
    return blocks;
  }

  /**
   * Reads blocks back. `light(col, row)` tells a block's brightness, 0 to 255. Null when there is no intact code.
   * @param {(col: number, row: number) => number} light @returns {Stamp | null}
   */
  function decode(light) {
    let dark = 0;
    let bright = 255;
    for (let row = 0; row < ROWS; row++) {
      for (let col = 0; col < COLS; col++) {
        const edge = ring(col, row);
        if (edge === true) bright = Math.min(bright, light(col, row));
        if (edge === false) dark = Math.max(dark, light(col, row));
      }
    }
    if (bright - dark < CONTRAST) return null;
    const bytes = [0, 0, 0, 0, 0, 0];
    for (let i = 0; i < 48; i++) {
      const row = 1 + Math.floor(i / 7);
      const col = 1 + (i % 7) * 2;
      const difference = light(col, row) - light(col + 1, row);
      if (Math.abs(difference) < CONTRAST) return null;
      if (difference > 0) bytes[i >> 3] |= 0x80 >> (i & 7);
    }
    const [sync, id, high, low, crcHigh, crcLow] = bytes;
    if (sync !== SYNC || crc16([id, high, low]) !== ((crcHigh << 8) | crcLow)) return null;
    return { id, counter: (high << 8) | low };
  }

  return { COLS, ROWS, PERIOD, encode, decode };
}
