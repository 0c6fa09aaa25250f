// Uploads by tus 1.0 (docs/protocol.md, section 9): in pieces, so that what has arrived need not be sent again.
import { DetailedError, Upload, type UploadOptions } from 'tus-js-client';
import { decode } from './codec';
import { Failure, failureOf } from './failure';
import { shorten } from './names';

/** What the server is told of a file besides its name and bytes. */
export interface Facts {
  /** The client's clock, Unix ms. With the account and the file's name it makes the NAME: the same ones again are the same file. */
  time: number;
  /** The place a picture was taken stays in it. */
  keep_location?: boolean;
  /** Of sound and video. */
  duration_ms?: number;
  width?: number;
  height?: number;
}

/** What is told on the way. */
export interface UploadEvents {
  /** The upload has a place on the server, where it can go on later. */
  placed: (url: string) => void;
  /** So many bytes have left this browser, or are there already. */
  sent: (bytes: number) => void;
}

const endpoint = '/uploads/';
/** A piece of an upload, bytes: proxies that keep a request until it is whole still let the progress be seen. */
const piece = 16 * 1024 * 1024;
/** A file up to so many bytes goes with the request that begins its upload. */
const atOnce = 1024 * 1024;
/** Without progress for so long, ms, the connection counts as lost; the server may take its time with the last piece. */
const patience = 60_000;

/**
 * Sends a file, or what is missing of it where `place` is that of an upload begun before. Answers NAME. Makes one attempt: rejects with a Failure, whose
 * stat is 0 where the connection was lost or `ending` was aborted, and 404 where the place is there no more.
 */
export function upload(file: File, facts: Facts, place: string, events: UploadEvents, ending: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    let timer = 0;
    const moved = () => {
      clearTimeout(timer);
      timer = window.setTimeout(() => stop(new Failure(0, 'no progress')), patience);
    };
    const tus = new Upload(file, {
      // Never both: where the server does not know the place, the library would begin a new upload at the endpoint, also for a 503.
      ...(place ? { uploadUrl: place } : { endpoint, metadata: metadataOf(file, facts), uploadDataDuringCreation: file.size <= atOnce }),
      chunkSize: piece,
      retryDelays: null,
      storeFingerprintForResuming: false,
      onBeforeRequest: () => ending.throwIfAborted(),
      onUploadUrlAvailable: () => events.placed(tus.url ?? ''),
      onProgress(bytes) {
        moved();
        events.sent(bytes);
      },
      onSuccess({ lastResponse }) {
        const name = lastResponse.getHeader('Neochat-File');
        if (name) settle(() => resolve(name));
        else stop(new Failure(500, 'no name'));
      },
      onError: (error) => stop(failed(error)),
    } satisfies UploadOptions);
    const aborted = () => stop(new Failure(0, 'stopped'));
    ending.addEventListener('abort', aborted);
    moved();
    if (ending.aborted) aborted();
    else tus.start();

    function settle(how: () => void) {
      clearTimeout(timer);
      ending.removeEventListener('abort', aborted);
      how();
    }

    function stop(reason: Failure) {
      void tus.abort();
      settle(() => reject(reason));
    }
  });
}

/** Takes away what has arrived of an upload. Rejects where the server cannot be asked; it forgets it by itself after a day. */
export function discardUpload(place: string): Promise<void> {
  return Upload.terminate(place, { retryDelays: [] });
}

function metadataOf(file: File, { time, keep_location, duration_ms, width, height }: Facts): Record<string, string> {
  const metadata: Record<string, string> = { filename: shorten(file.name), time: String(time), filetype: file.type };
  if (keep_location) metadata.keep_location = 'yes';
  for (const [name, value] of Object.entries({ duration_ms, width, height })) if (value) metadata[name] = String(Math.round(value));
  return metadata;
}

function failed(error: Error): Failure {
  const response = error instanceof DetailedError ? error.originalResponse : null;
  if (!response) return new Failure(0, error.message);
  const [answer] = decode(response.getBody());
  return failureOf({ retry_after: response.getHeader('Retry-After') ?? '', ...answer, stat: String(response.getStatus()) });
}
