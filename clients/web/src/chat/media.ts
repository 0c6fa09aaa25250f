// What a browser can tell of a picture, a sound or a video before it is uploaded.

/** What is known of a file; what the browser cannot tell is left out. */
export interface Media {
  width?: number;
  height?: number;
  duration_ms?: number;
  /** A still of a video: a JPEG. */
  poster?: Blob;
}

/** A still is at most so large, px; the server makes it smaller. */
const posterSide = 1280;
/** How long a browser may take, ms: some never answer for what they cannot play. */
const patience = 10_000;

/** Looks at a file. Never rejects. */
export async function lookAtFile(file: File): Promise<Media> {
  const [kind] = file.type.split('/');
  if (kind !== 'image' && kind !== 'video' && kind !== 'audio') return {};
  const url = URL.createObjectURL(file);
  try {
    return await (kind === 'image' ? ofPicture(url) : kind === 'video' ? ofVideo(url) : ofSound(url));
  } catch {
    return {};
  } finally {
    URL.revokeObjectURL(url);
  }
}

async function ofPicture(url: string): Promise<Media> {
  const image = new Image();
  image.src = url;
  await happens(image, 'load');
  return { width: image.naturalWidth, height: image.naturalHeight };
}

async function ofSound(url: string): Promise<Media> {
  const audio = new Audio();
  audio.preload = 'metadata';
  audio.src = url;
  await happens(audio, 'loadedmetadata');
  return { duration_ms: durationOf(audio) };
}

async function ofVideo(url: string): Promise<Media> {
  const video = document.createElement('video');
  video.muted = true;
  video.playsInline = true;
  video.preload = 'auto';
  video.src = url;
  await happens(video, 'loadedmetadata');
  const media: Media = { width: video.videoWidth, height: video.videoHeight, duration_ms: durationOf(video) };
  try {
    // The very beginning is often black.
    video.currentTime = Math.min(1, (media.duration_ms ?? 0) / 10_000);
    await happens(video, 'seeked');
    if (video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) await happens(video, 'loadeddata');
    return { ...media, poster: await still(video) };
  } catch {
    return media;
  } finally {
    // The browser gives back what it decodes with.
    video.removeAttribute('src');
    video.load();
  }
}

function durationOf(element: HTMLMediaElement): number | undefined {
  return Number.isFinite(element.duration) && element.duration > 0 ? Math.round(element.duration * 1000) : undefined;
}

async function still(video: HTMLVideoElement): Promise<Blob | undefined> {
  if (!video.videoWidth) return undefined;
  const scale = Math.min(1, posterSide / Math.max(video.videoWidth, video.videoHeight));
  const canvas = document.createElement('canvas');
  canvas.width = Math.round(video.videoWidth * scale);
  canvas.height = Math.round(video.videoHeight * scale);
  canvas.getContext('2d')?.drawImage(video, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/jpeg', 0.8));
  return blob ?? undefined;
}

/** Waits for an event; rejects where an error comes instead, or nothing. */
function happens(target: EventTarget, event: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`no ${event}`)), patience);
    target.addEventListener(event, resolve, { once: true });
    target.addEventListener('error', () => reject(new Error('unreadable')), { once: true });
    target.addEventListener(event, () => clearTimeout(late), { once: true });
  });
}
