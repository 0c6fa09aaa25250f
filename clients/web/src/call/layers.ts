// The layers of a picture that is published: the same in several sizes, so that the server gives each of the others what they show and can take.

/** The smallest side of the smallest layer worth its cost, px. */
const smallest = 90;
/** The names of the layers, the smallest first; a picture too small for all of them uses the first ones. */
const rids = ['q', 'h', 'f'] as const;

/** Bits per second that a picture of so many lines is worth. */
function bitrateFor(lines: number): number {
  if (lines >= 720) return 1_700_000;
  if (lines >= 540) return 1_100_000;
  if (lines >= 360) return 600_000;
  return lines >= 240 ? 300_000 : 150_000;
}

/** How many layers a picture of this size is sent in: browsers send three from 960×540 on, two from 480×270. */
function layersOf(width: number, height: number): number {
  const [long, short] = [Math.max(width, height), Math.min(width, height)];
  if (long >= 960 && short >= 540) return 3;
  return long >= 480 && short >= 270 && short / 2 >= smallest ? 2 : 1;
}

/** The size of a picture, px. */
export interface Size {
  width: number;
  height: number;
}

/** What is asked of the camera; taken for its size until it gives a picture. */
export const usual: Size = { width: 1280, height: 720 };

/** What a track says of its size. */
export function sizeOf(track: MediaStreamTrack | null | undefined): Size {
  const { width = usual.width, height = usual.height } = track?.getSettings() ?? {};
  return { width, height };
}

/** How a picture of this size is divided into layers; those that are not wanted, or too many for the size, are not sent. */
export function layersFor({ width, height }: Size, wanted?: ReadonlySet<string>): RTCRtpEncodingParameters[] {
  const count = layersOf(width, height);
  return rids.map((rid, n) => {
    const scale = 2 ** Math.max(0, count - 1 - n);
    return {
      rid,
      active: n < count && (wanted?.has(rid) ?? true),
      scaleResolutionDownBy: scale,
      maxBitrate: bitrateFor(Math.min(width, height) / scale),
    };
  });
}

/** Sizes are told in steps of so many px. */
const step = 32;

/** The size, `width`x`height`, of a picture of the usual shape that does for a frame; one that is filled cuts some of it off. */
export function sizeIn(width: number, height: number, whole: boolean): string {
  const wide = whole ? width : Math.max(width, (height * 16) / 9);
  const high = whole ? height : Math.max(height, (width * 9) / 16);
  const round = (n: number) => Math.min(Math.max(1, Math.ceil(n / step)) * step, 8192);
  return `${round(wide)}x${round(high)}`;
}
