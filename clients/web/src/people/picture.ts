// Makes a picture small enough to stand beside every message.
import { uploadFile } from '../chat/transfers';

const side = 256;

/** Cuts the middle square out of a picture, uploads it and answers its NAME. Rejects where the browser cannot read it. */
export async function uploadAvatar(file: File): Promise<string> {
  const picture = await createImageBitmap(file);
  const edge = Math.min(picture.width, picture.height);
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = Math.min(side, edge);
  const from = [(picture.width - edge) / 2, (picture.height - edge) / 2] as const;
  canvas.getContext('2d')?.drawImage(picture, ...from, edge, edge, 0, 0, canvas.width, canvas.height);
  picture.close();
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/png'));
  if (!blob) throw new Error('not a picture');
  return uploadFile(new File([blob], 'avatar.png', { type: 'image/png' }));
}
