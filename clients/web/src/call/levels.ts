// Who speaks, by the audio levels the browser measures anyway.
import { effect, signal } from '@preact/signals';
import { peer } from './active';
import { microphoneOn } from './local';
import { active } from './state';

/** The participants who speak now; '' is oneself. */
export const speaking = signal<ReadonlySet<string>>(new Set());

const every = 300;
/** 0 is silence, 1 is full scale. */
const loudEnough = 0.02;

async function measure(): Promise<void> {
  const call = active.value;
  const report = await peer.value?.stats();
  if (!report || !call) return;
  const loud = new Set<string>();
  const mids = new Map([...call.participants.values()].map((p) => [p.tracks.microphone?.muted ? '' : (p.tracks.microphone?.mid ?? ''), p.participant]));
  for (const s of report.values() as Iterable<{ type: string; kind?: string; mid?: string; audioLevel?: number }>) {
    if ((s.audioLevel ?? 0) < loudEnough) continue;
    if (s.type === 'media-source' && microphoneOn.value) loud.add('');
    const id = s.type === 'inbound-rtp' && s.mid ? mids.get(s.mid) : undefined;
    if (id) loud.add(id);
  }
  if (loud.size !== speaking.value.size || [...loud].some((id) => !speaking.value.has(id))) speaking.value = loud;
}

effect(() => {
  if (!peer.value) return undefined;
  const timer = setInterval(() => void measure().catch(() => undefined), every);
  return () => {
    clearInterval(timer);
    speaking.value = new Set();
  };
});
