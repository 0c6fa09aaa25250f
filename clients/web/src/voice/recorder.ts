// Records a voice message.
import { signal } from '@preact/signals';
import { capture } from '../call/capture';
import { notify } from '../ui/notice';
import { takePart } from '../session/session';
import { loudness, toWaveform } from './waveform';

/** What is being recorded. */
export interface Recording {
  /** keyOf the conversation it is for. */
  key: string;
  /** Levels of 0 to 1, one each `step` ms. */
  levels: readonly number[];
  duration_ms: number;
}

/** A finished voice message. */
export interface Recorded {
  file: File;
  duration_ms: number;
  waveform: string;
}

/** The recording that goes on, if any. */
export const recording = signal<Recording | undefined>(undefined);

/** One level is taken in so many ms. */
const step = 80;
/** The longest voice message, ms. */
const longest = 3_600_000;
/** The first of these that the browser can record is taken. */
const forms = ['audio/webm;codecs=opus', 'audio/ogg;codecs=opus', 'audio/mp4', 'audio/webm'];

let stop: ((keep: boolean) => Promise<Recorded | undefined>) | undefined;

/** Whether this browser can record at all. */
export const canRecord = typeof MediaRecorder !== 'undefined';

/** Begins to record. Without a microphone it says so and answers false. */
export async function startRecording(key: string): Promise<boolean> {
  if (recording.value) return false;
  recording.value = { key, levels: [], duration_ms: 0 };
  const { microphone, problems } = await capture({ microphone: true, camera: false });
  problems.forEach((problem) => notify(problem));
  if (!microphone || recording.peek()?.key !== key) {
    microphone?.stop();
    recording.value = undefined;
    return false;
  }
  stop = record(key, microphone);
  return true;
}

/** Ends the recording; answers it, or undefined where it was thrown away or is empty. */
export async function stopRecording(keep: boolean): Promise<Recorded | undefined> {
  const ending = stop?.(keep);
  stop = undefined;
  recording.value = undefined;
  return ending;
}

function record(key: string, track: MediaStreamTrack): (keep: boolean) => Promise<Recorded | undefined> {
  const mimeType = forms.find((form) => MediaRecorder.isTypeSupported(form)) ?? '';
  const recorder = new MediaRecorder(new MediaStream([track]), { mimeType, audioBitsPerSecond: 32_000 });
  const chunks: Blob[] = [];
  recorder.ondataavailable = ({ data }) => chunks.push(data);
  const meter = measure(track, key);
  recorder.start();
  return async (keep) => {
    const { levels, duration_ms } = meter();
    const ended = new Promise((resolve) => (recorder.onstop = resolve));
    recorder.stop();
    await ended;
    track.stop();
    if (!keep || duration_ms < 1 || chunks.length === 0) return undefined;
    const type = recorder.mimeType.split(';')[0] ?? '';
    const file = new File(chunks, `voice.${type.endsWith('ogg') ? 'ogg' : type.endsWith('mp4') ? 'm4a' : 'webm'}`, { type });
    return { file, duration_ms, waveform: toWaveform(levels) };
  };
}

/** Follows the loudness; answers how to end it, which tells all of it. */
function measure(track: MediaStreamTrack, key: string): () => { levels: number[]; duration_ms: number } {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  const samples = new Uint8Array(analyser.fftSize);
  const levels: number[] = [];
  const begun = performance.now();
  const elapsed = () => Math.min(longest, Math.round(performance.now() - begun));
  const timer = setInterval(() => {
    // At the longest one message may be it goes no further; what was said can be sent.
    if (elapsed() >= longest) return;
    analyser.getByteTimeDomainData(samples);
    levels.push(loudness(samples));
    recording.value = { key, levels: levels.slice(-200), duration_ms: elapsed() };
  }, step);
  return () => {
    clearInterval(timer);
    void context.close();
    return { levels, duration_ms: elapsed() };
  };
}

takePart({ left: () => void stopRecording(false) });
