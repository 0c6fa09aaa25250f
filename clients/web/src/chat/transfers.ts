// Files on their way to the server: some at once, paused and resumed, going on by themselves after the connection or the server was away.
import { signal } from '@preact/signals';
import { request, takePart } from '../session/session';
import { fetchUsage } from '../people/account';
import type { Params, TextKey } from '../text';
import { backoff } from '../wire/backoff';
import { Failure, statOf } from '../wire/failure';
import { putPoster } from '../wire/poster';
import { discardUpload, upload } from '../wire/upload';
import { learnFile } from './files';
import { byteCount } from './markup';
import { lookAtFile, type Media } from './media';
import { speedOf, withSample, type Sample } from './speed';
import { forgetBegun, hold, remember, takeBegun } from './unfinished';

/** `queued` until others are done; `away` while the connection or the server is: it goes on by itself. */
export type Step = 'queued' | 'going' | 'away' | 'paused' | 'failed' | 'done';

/** A file on its way. */
export interface Transfer {
  id: number;
  /** keyOf the conversation it is for. */
  key: string;
  file: File;
  /** The place a picture was taken stays in it. */
  keep_location: boolean;
  step: Step;
  /** Bytes. */
  sent: number;
  /** Bytes a second; 0 where it is not known. */
  speed: number;
  /** Why it is away or has failed. */
  trouble?: { key: TextKey; params: Params };
  /** NAME once it is done. */
  name: string;
}

/** What is known of a transfer beside what is shown. */
interface Job {
  /** Aborted when it is to stop: paused or cancelled. */
  ending: AbortController;
  /** Its place on the server, once it has one. */
  place: string;
  /** Aborted when nobody here will go on with it. */
  holding?: AbortController;
  time: number;
  media?: Media;
  /** Attempts without progress. */
  attempts: number;
  timer: number;
  samples: Sample[];
  /** Goes before the queue. */
  urgent: boolean;
}

/** All of them, in the order they were picked. */
export const transfers = signal<readonly Transfer[]>([]);

/** So many go at once. */
const atOnce = 3;
/** Progress is shown at most so often, ms. */
const showEvery = 200;
/** And remembered. */
const noteEvery = 1000;
/** What passes by itself, however long it takes. */
const passing = [0, 429, 502, 503, 504];
/** What may pass at the next attempt: places that moved, locks, a server that failed. */
const doubtful = [404, 408, 409, 410, 423, 500];
const doubtfulAttempts = 5;

const jobs = new Map<number, Job>();
let lastTime = 0;

/** Begins to upload a file, or goes on with an upload of it that was broken off; answers its id. An urgent one does not wait for others. */
export function beginTransfer(key: string, file: File, { keep_location = false, urgent = false } = {}): number {
  const begun = takeBegun(file, keep_location);
  const id = uniqueTime();
  const ending = new AbortController();
  jobs.set(id, { ending, place: begun?.place ?? '', time: begun?.time ?? id, attempts: 0, timer: 0, samples: [], urgent });
  transfers.value = [...transfers.value, { id, key, file, keep_location, step: 'queued', sent: begun?.sent ?? 0, speed: 0, name: '' }];
  pump();
  return id;
}

/** Stops a transfer for a while; what has arrived stays. */
export function pause(id: number): void {
  stop(id);
  change(id, { step: 'paused', speed: 0, trouble: undefined });
  pump();
}

/** Goes on with one that was paused or has failed. */
export function resume(id: number): void {
  const job = jobs.get(id);
  if (job) job.attempts = 0;
  change(id, { step: 'queued', trouble: undefined });
  pump();
}

/** Gives a transfer up: the server forgets what has arrived, also where that is the whole file. */
export function cancel(id: number): void {
  const { name } = find(id) ?? { name: '' };
  const place = jobs.get(id)?.place;
  forgetTransfer(id);
  if (place) forgetBegun(place);
  if (name) request({ message_type: 'file', type: 'DELETE', file: name }).catch(() => undefined);
  else if (place) discardUpload(place).catch(() => undefined);
}

/** Forgets a transfer here. */
export function forgetTransfer(id: number): void {
  stop(id);
  jobs.get(id)?.holding?.abort();
  jobs.delete(id);
  transfers.value = transfers.value.filter((t) => t.id !== id);
  pump();
}

/** Uploads a small file that is no part of a conversation, and answers its NAME. Rejects with a Failure. */
export async function uploadFile(file: File): Promise<string> {
  const time = uniqueTime();
  const events = { placed: () => undefined, sent: () => undefined };
  for (let attempt = 1; ; attempt++) {
    try {
      return await upload(file, { time }, '', events, new AbortController().signal);
    } catch (error) {
      if (!passing.includes(statOf(error)) || attempt === 3) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1500 * attempt));
    }
  }
}

function find(id: number): Transfer | undefined {
  return transfers.value.find((t) => t.id === id);
}

function change(id: number, part: Partial<Transfer>) {
  transfers.value = transfers.value.map((t) => (t.id === id ? { ...t, ...part } : t));
}

function stop(id: number) {
  const job = jobs.get(id);
  if (!job) return;
  clearTimeout(job.timer);
  job.ending.abort();
  job.ending = new AbortController();
  job.samples = [];
}

/** Lets go what may: those that are urgent, and of the others so many at once. */
function pump() {
  const urgent = ({ id }: Transfer) => jobs.get(id)?.urgent === true;
  const room = () => transfers.value.filter((t) => (t.step === 'going' || t.step === 'away') && !urgent(t)).length < atOnce;
  for (const t of transfers.value) if (t.step === 'queued' && (urgent(t) || room())) void run(t.id);
}

async function run(id: number): Promise<void> {
  const [t, job] = [find(id), jobs.get(id)];
  if (!t || !job) return;
  const { signal: ending } = job.ending;
  change(id, { step: 'going', trouble: undefined });
  try {
    job.media ??= await lookAtFile(t.file);
    const { poster, ...shape } = job.media;
    const facts = { time: job.time, keep_location: t.keep_location, ...shape };
    const name = await upload(t.file, facts, job.place, eventsOf(id, job), ending);
    // Without a still a video is shown by a symbol.
    if (poster) await putPoster(name, poster).catch(() => undefined);
    if (ending.aborted) return;
    finish(t, job, name);
  } catch (error) {
    if (!ending.aborted) await failed(t, job, error);
  }
}

function eventsOf(id: number, job: Job) {
  let [shown, noted] = [0, 0];
  const { key, file, keep_location } = find(id) ?? {};
  return {
    placed(place: string) {
      job.place = place;
      if (!job.holding) hold(place, (job.holding = new AbortController()).signal);
      note(0);
    },
    sent(bytes: number) {
      const at = Date.now();
      if (bytes > (job.samples.at(-1)?.bytes ?? bytes)) job.attempts = 0;
      if (at - shown < showEvery && bytes < (file?.size ?? 0)) return;
      shown = at;
      job.samples = withSample(job.samples, { at, bytes });
      change(id, { sent: bytes, speed: speedOf(job.samples) });
      if (at - noted < noteEvery) return;
      noted = at;
      note(bytes);
    },
  };

  function note(sent: number) {
    if (!job.place || !file || key === undefined) return;
    remember({ place: job.place, key, name: file.name, size: file.size, lastModified: file.lastModified, time: job.time, keep_location: keep_location ?? false, sent });
  }
}

function finish({ id, file }: Transfer, job: Job, name: string) {
  forgetBegun(job.place);
  job.holding?.abort();
  const { width = 0, height = 0, duration_ms = 0, poster } = job.media ?? {};
  learnFile({ name, size: file.size, content_type: file.type, width, height, duration_ms, preview: !!poster || file.type.startsWith('image/') });
  change(id, { step: 'done', sent: file.size, speed: 0, name });
  pump();
}

async function failed({ id, file }: Transfer, job: Job, error: unknown): Promise<void> {
  const stat = statOf(error);
  const { signal: ending } = job.ending;
  if (stat === 404 || stat === 410) {
    // The server has forgotten it: from the beginning.
    forgetBegun(job.place);
    job.place = '';
  }
  const unreadable = stat === 0 && file.size > 0 && !(await readable(file));
  const again = passing.includes(stat) || (doubtful.includes(stat) && job.attempts < doubtfulAttempts);
  const trouble = unreadable ? { key: 'err_file_changed' as const, params: { name: file.name } } : await troubleOf(error, file);
  if (ending.aborted) return;
  if (unreadable || !again) {
    change(id, { step: 'failed', speed: 0, trouble });
    pump();
    return;
  }
  job.samples = [];
  change(id, { step: 'away', speed: 0, trouble });
  job.attempts++;
  const wait = error instanceof Failure && error.retryAfter ? error.retryAfter * 1000 : backoff(job.attempts);
  job.timer = window.setTimeout(() => void run(id), wait);
}

/** Whether the file is still what was picked. */
async function readable(file: File): Promise<boolean> {
  return file.slice(0, 1).arrayBuffer().then(() => true, () => false);
}

/** What to tell of a failure. */
async function troubleOf(error: unknown, { name, size }: File): Promise<{ key: TextKey; params: Params }> {
  const reason = error instanceof Failure ? error.message : '';
  switch (statOf(error)) {
    case 0:
      return { key: 'upload_away', params: {} };
    case 400:
      return { key: 'err_bad', params: { reason } };
    case 401:
    case 403:
      return { key: 'err_logged_out', params: {} };
    case 413: {
      const usage = await fetchUsage().catch(() => undefined);
      const full = usage && size <= usage.bytes_allowed && usage.bytes_used + size > usage.bytes_allowed;
      return full ? { key: 'err_quota', params: { name, allowed: byteCount(usage.bytes_allowed) } } : { key: 'err_file_too_large', params: { name } };
    }
    case 429:
      return { key: 'upload_slowed', params: {} };
    case 507:
      return { key: 'err_no_room', params: {} };
    case 502:
    case 503:
    case 504:
      return { key: 'upload_closed', params: {} };
    default:
      return { key: 'err_server', params: {} };
  }
}

function uniqueTime(): number {
  lastTime = Math.max(Date.now(), lastTime + 1);
  return lastTime;
}

/** Tries at once what waits for the connection. */
function hurry() {
  for (const { id, step } of transfers.value) {
    if (step !== 'away') continue;
    clearTimeout(jobs.get(id)?.timer);
    void run(id);
  }
}

window.addEventListener('beforeunload', (event) => {
  if (transfers.value.some(({ step }) => step !== 'done' && step !== 'failed')) event.preventDefault();
});

takePart({
  opened: hurry,
  left: () => transfers.value.forEach(({ id }) => forgetTransfer(id)),
});
