// Whether a picture tells where it was taken, so that one is asked only then.

/** A block of EXIF in a JPEG, PNG or WebP, whose TIFF header follows. */
const exif = /(?:Exif\0\0|eXIf|EXIF[\s\S]{4}(?:Exif\0\0)?)(?=II\*\0|MM\0\*)/g;
const gpsTag = 0x8825;
/** It stands at the beginning of a file or at its end. */
const looked = 256 * 1024;

/** Whether a file says so; false where it cannot be read. */
export async function tellsPlace(file: Blob): Promise<boolean> {
  if (!/^image\/(jpeg|png|webp)$/.test(file.type)) return false;
  const ends = [file.slice(0, looked), ...(file.size > looked ? [file.slice(-looked)] : [])];
  const found = ends.map(async (end) => hasPlace(new Uint8Array(await end.arrayBuffer())));
  return Promise.all(found).then((all) => all.includes(true), () => false);
}

/** Whether these bytes of a picture have a place in them, in EXIF or XMP. */
export function hasPlace(bytes: Uint8Array): boolean {
  const text = new TextDecoder('latin1').decode(bytes);
  if (text.includes('exif:GPSLatitude')) return true;
  return [...text.matchAll(exif)].some((match) => hasGpsTag(bytes.subarray(match.index + match[0].length)));
}

/** Whether the first directory of a TIFF points to one of GPS. */
function hasGpsTag(tiff: Uint8Array): boolean {
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  try {
    const little = view.getUint8(0) === 0x49;
    const directory = view.getUint32(4, little);
    const count = view.getUint16(directory, little);
    for (let at = 0; at < count; at++) if (view.getUint16(directory + 2 + 12 * at, little) === gpsTag) return true;
  } catch {
    // It ends within.
  }
  return false;
}
