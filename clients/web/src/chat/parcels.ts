// Messages that were sent while their files are still on their way: each goes out when the last of them has arrived.
import { effect, signal, untracked } from '@preact/signals';
import { takePart } from '../session/session';
import { keyOf, type Target } from './line';
import { compose } from './markup';
import { send, type Content } from './outbox';
import { beginTransfer, forgetTransfer, transfers, type Transfer } from './transfers';

/** A message that waits for its files. */
export interface Parcel extends Target {
  /** The transfers it waits for; one that is given up drops out. */
  files: readonly number[];
  /** What was typed, as it was typed, and what it answers. */
  content: Omit<Content, 'voice'>;
  /** Of a voice message, which is the file. */
  voice?: { duration_ms: number; waveform: string };
  time: number;
}

/** All of them, oldest first. */
export const parcels = signal<readonly Parcel[]>([]);

/** Sends a message as soon as its files are there. */
export function postWhenUploaded(target: Target, files: readonly number[], content: Parcel['content'], voice?: Parcel['voice']): void {
  parcels.value = [...parcels.value, { kind: target.kind, id: target.id, files, content, voice, time: Date.now() }];
}

/** Sends a voice message. */
export function postVoice(target: Target, file: File, voice: NonNullable<Parcel['voice']>, reply_to: string | undefined): void {
  postWhenUploaded(target, [beginTransfer(keyOf(target), file, { urgent: true })], { text: '', reply_to }, voice);
}

/** The files a parcel waits for, and those of it that are there. */
export function filesOf(parcel: Parcel): Transfer[] {
  return transfers.value.filter((t) => parcel.files.includes(t.id));
}

function goOut(parcel: Parcel, files: readonly Transfer[]) {
  const { content, voice } = parcel;
  const names = files.map((t) => t.name);
  parcels.value = parcels.value.filter((p) => p !== parcel);
  files.forEach((t) => forgetTransfer(t.id));
  if (voice) {
    // Given up, there is nothing to say.
    if (names[0]) send(parcel, { ...content, voice: { file: names[0], ...voice } });
    return;
  }
  const text = compose(content.text, names);
  if (text) send(parcel, { ...content, text });
}

effect(() => {
  const ready = parcels.value.map((p) => [p, filesOf(p)] as const).filter(([, files]) => files.every((t) => t.step === 'done'));
  untracked(() => ready.forEach(([parcel, files]) => goOut(parcel, files)));
});

takePart({ left: () => (parcels.value = []) });
