// Plays voice messages, one at a time.
import { signal } from '@preact/signals';
import { learnFile } from '../chat/files';
import { takePart } from '../session/session';
import { notify } from '../ui/notice';

/** The voice message being played or paused. Times in ms. */
export interface Playing {
  message_id: string;
  position: number;
  duration: number;
  paused: boolean;
}

/** The speeds there are. */
export const speeds = [1, 1.5, 2] as const;

/** What is played, if anything. */
export const playing = signal<Playing | undefined>(undefined);
/** The speed of all voice messages. */
export const speed = signal<number>(1);

let audio: HTMLAudioElement | undefined;
let url = '';
let era = 0;

/** Plays a voice message from where it was, or pauses it. */
export async function toggle(message_id: string, file: string, duration: number): Promise<void> {
  if (playing.value?.message_id === message_id && audio) {
    if (audio.paused) await audio.play();
    else audio.pause();
    return;
  }
  await play(message_id, file, duration, 0);
}

/** Goes to a place in a voice message, ms, and plays from there. */
export async function seek(message_id: string, file: string, duration: number, position: number): Promise<void> {
  const to = Math.max(0, Math.min(position, duration));
  if (playing.value?.message_id === message_id && audio) {
    audio.currentTime = to / 1000;
    playing.value = { ...playing.value, position: to };
    return;
  }
  await play(message_id, file, duration, to);
}

/** Goes on to the next speed. */
export function nextSpeed(): void {
  const at = speeds.findIndex((s) => s === speed.value);
  speed.value = speeds[(at + 1) % speeds.length] ?? 1;
  if (audio) audio.playbackRate = speed.value;
}

/** Stops whatever is played. */
export function stopPlaying(): void {
  era++;
  audio?.pause();
  audio = undefined;
  if (url) URL.revokeObjectURL(url);
  url = '';
  playing.value = undefined;
}

async function play(message_id: string, file: string, duration: number, position: number): Promise<void> {
  stopPlaying();
  const mine = era;
  playing.value = { message_id, position, duration, paused: false };
  try {
    // As a whole: a recording has no index, and what is not there yet could not be gone to.
    const response = await fetch(`/files/${file}`);
    if (response.status === 404) learnFile({ name: file, gone: true });
    if (!response.ok) throw new Error(response.statusText);
    const blob = await response.blob();
    if (mine !== era) return;
    url = URL.createObjectURL(blob);
    audio = await open(url, message_id, duration);
    if (mine !== era) return;
    audio.currentTime = position / 1000;
    await audio.play();
  } catch {
    if (mine !== era) return;
    stopPlaying();
    notify('err_voice');
  }
}

async function open(source: string, message_id: string, duration: number): Promise<HTMLAudioElement> {
  const element = new Audio(source);
  await new Promise((resolve, reject) => {
    element.onloadedmetadata = resolve;
    element.onerror = reject;
  });
  // A recording does not tell its own length: some browsers find out by reading it, others by going to its end once.
  // Two places gone to at a time leave Chromium silent, so each is waited for.
  if (!Number.isFinite(element.duration)) await happens(element, 'durationchange');
  if (!Number.isFinite(element.duration)) {
    element.currentTime = Number.MAX_SAFE_INTEGER;
    await happens(element, 'seeked');
  }
  const told = () => (playing.value = { message_id, position: Math.min(element.currentTime * 1000, duration), duration, paused: element.paused });
  element.playbackRate = speed.value;
  element.ontimeupdate = element.onpause = element.onplay = told;
  element.onended = stopPlaying;
  return element;
}

/** Waits for an event, or for so long as one would wait for sound. */
function happens(element: HTMLAudioElement, event: 'durationchange' | 'seeked'): Promise<unknown> {
  return new Promise((resolve) => {
    element.addEventListener(event, resolve, { once: true });
    setTimeout(resolve, 500);
  });
}

takePart({ left: stopPlaying });
