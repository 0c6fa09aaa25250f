// The sound of a call that rings, made on the spot: two tones and a pause.
import { computed, effect } from '@preact/signals';
import { active, incoming, outgoing } from './state';

let context: AudioContext | undefined;

function beep(frequencies: readonly number[], at: number, length: number, loudness: number) {
  if (!context) return;
  const gain = context.createGain();
  gain.gain.setValueAtTime(0, at);
  gain.gain.linearRampToValueAtTime(loudness, at + 0.03);
  gain.gain.setValueAtTime(loudness, at + length - 0.08);
  gain.gain.linearRampToValueAtTime(0, at + length);
  gain.connect(context.destination);
  for (const frequency of frequencies) {
    const tone = context.createOscillator();
    tone.frequency.value = frequency;
    tone.connect(gain);
    tone.start(at);
    tone.stop(at + length);
  }
}

/** Plays a pattern again and again; answers how to stop it. A page nobody touched yet may not sound: then it is silent. */
function repeat(pattern: (now: number) => void, period: number): () => void {
  context = new AudioContext();
  const play = () => {
    if (context?.state === 'running') pattern(context.currentTime);
    else void context?.resume();
  };
  play();
  const timer = setInterval(play, period);
  return () => {
    clearInterval(timer);
    void context?.close();
    context = undefined;
  };
}

const ringing = (now: number) => [0, 0.25, 0.9, 1.15].forEach((at, n) => beep([n % 2 ? 784 : 659], now + at, 0.22, 0.12));
const ringingThere = (now: number) => beep([425], now, 1, 0.05);

const sound = computed(() => {
  if (incoming.value.some((c) => !c.hidden)) return active.value ? 'knocking' : 'ringing';
  return outgoing.value ? 'ringingThere' : 'none';
});

effect(() => {
  switch (sound.value) {
    case 'ringing':
      return repeat(ringing, 2600);
    case 'knocking':
      return repeat((now) => beep([659], now, 0.2, 0.05), 4000);
    case 'ringingThere':
      return repeat(ringingThere, 4000);
    case 'none':
      return undefined;
  }
});
