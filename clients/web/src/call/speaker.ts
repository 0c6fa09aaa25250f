// Where the others are heard: on the chosen speaker, as far as the browser lets one choose.
import { effect } from '@preact/signals';
import { presentIn } from './devicelist';
import { choice, devices } from './devices';

/** Whether this browser lets one choose a speaker. */
export const canChooseSpeaker = 'setSinkId' in HTMLMediaElement.prototype;

/** Keeps the sound of an element on the chosen speaker; gives a function that ends that. One that is not there any more is left for the system's own. */
export function soundOn(element: HTMLMediaElement): () => void {
  if (!canChooseSpeaker) return () => undefined;
  return effect(() => {
    // Before the browser has listed any speaker the choice is tried all the same.
    const listed = devices.value.some(({ kind }) => kind === 'speaker');
    const id = listed ? presentIn(devices.value, 'speaker', choice.value) : choice.value.speaker;
    if (element.sinkId !== id) element.setSinkId(id).catch(() => element.setSinkId('').catch(() => undefined));
  });
}

/** Length of the test sound, ms. */
const length = 1200;

/** Plays three soft tones on the chosen speaker; done when they are over. */
export async function playTestSound(): Promise<void> {
  const context = new AudioContext();
  const out = context.createMediaStreamDestination();
  const now = context.currentTime;
  [523.25, 659.25, 783.99].forEach((frequency, n) => {
    const [tone, gain] = [context.createOscillator(), context.createGain()];
    const at = now + 0.05 + n * 0.22;
    tone.frequency.value = frequency;
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(0.2, at + 0.03);
    gain.gain.exponentialRampToValueAtTime(0.001, at + 0.6);
    tone.connect(gain).connect(out);
    tone.start(at);
    tone.stop(at + 0.6);
  });
  const element = new Audio();
  element.srcObject = out.stream;
  const end = soundOn(element);
  try {
    await element.play();
    await new Promise((resolve) => setTimeout(resolve, length));
  } finally {
    end();
    element.srcObject = null;
    void context.close();
  }
}
