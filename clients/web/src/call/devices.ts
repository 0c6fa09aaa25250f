// Which microphones, cameras and speakers there are, and which of them one has chosen for this browser.
import { signal } from '@preact/signals';
import { notify } from '../ui/notice';
import { goneFrom, listOf, readChoice, type Choice, type Device } from './devicelist';

const storageKey = 'call-devices';

/** What was chosen. */
export const choice = signal<Choice>(readChoice(localStorage.getItem(storageKey)));
/** What there is, as far as the browser tells: it names devices once one of their kind was allowed. */
export const devices = signal<readonly Device[]>([]);

/** Chooses, and remembers it. */
export function choose(change: Partial<Choice>): void {
  choice.value = { ...choice.value, ...change };
  localStorage.setItem(storageKey, JSON.stringify(choice.value));
}

/** Looks which devices there are. */
export async function refreshDevices(): Promise<void> {
  // The types say that there always is a mediaDevices; insecure pages have none.
  const media = navigator.mediaDevices as MediaDevices | undefined;
  devices.value = listOf((await media?.enumerateDevices()) ?? []);
}

(navigator.mediaDevices as MediaDevices | undefined)?.addEventListener('devicechange', () => {
  const before = devices.value;
  void refreshDevices().then(() => {
    // Microphones and cameras tell by themselves that they ended: what was used may be another one.
    const [speaker] = goneFrom(before, devices.value, choice.value).filter(({ kind }) => kind === 'speaker');
    if (speaker) notify('dev_speaker_gone', { name: speaker.label }, 'status');
  });
});
