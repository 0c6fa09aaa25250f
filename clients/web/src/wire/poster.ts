import { Failure } from './failure';

/** Gives a video of one's own the picture that stands for it until it is played: a JPEG of at most 1 MiB. Rejects with a Failure. */
export async function putPoster(name: string, poster: Blob): Promise<void> {
  const response = await fetch(`/files/${name}/preview`, { method: 'PUT', headers: { 'Content-Type': poster.type }, body: poster }).catch(() => {
    throw new Failure(0, 'no answer');
  });
  if (!response.ok) throw new Failure(response.status, response.statusText);
}
