// The look at oneself and one's devices before a call, and from the settings.
import { batch, effect, signal } from '@preact/signals';
import type { Target } from '../chat/line';
import type { TextKey } from '../text';
import { takePart } from '../session/session';
import { camera, closeCamera, closeMicrophone, microphone, stopAll, tryDevices, type OwnSource } from './local';
import { active, outgoing, type CallKind } from './state';

/** Which devices to enter a call with. */
export interface Want {
  microphone: boolean;
  camera: boolean;
}

/** A call one looks at oneself before. */
export interface Before {
  target: Target;
  kind: CallKind;
  /** It goes on already and is joined; otherwise it is placed. */
  joins: boolean;
  go: (want: Want) => Promise<void>;
}

/** What is being checked for: a call, or nothing in particular. */
export const checking = signal<Before | 'devices' | undefined>(undefined);
/** What is switched on in the check. */
export const wish = signal<Want>({ microphone: true, camera: true });
/** What could not be had, as texts that say what to do. */
export const missing = signal<readonly TextKey[]>([]);

const storageKey = 'call-check';

/** Whether one wants to look before each call; so it is until somebody says otherwise. */
export const checks = signal(localStorage.getItem(storageKey) !== 'no');

/** Switches the check before calls on or off. */
export function switchChecks(on: boolean): void {
  checks.value = on;
  localStorage.setItem(storageKey, on ? 'yes' : 'no');
}

/** Goes into a call, with a look before unless that was switched off. Who is in another call has seen their devices. */
export async function enterChecked(call: Before): Promise<void> {
  const want = { microphone: true, camera: call.kind === 'videocall' };
  if (!checks.value || active.value) {
    await call.go(want);
    return;
  }
  wish.value = want;
  checking.value = call;
  await look();
}

/** Looks at the devices without a call. */
export async function checkDevices(): Promise<void> {
  wish.value = { microphone: true, camera: true };
  checking.value = 'devices';
  await look();
}

/** Tries again to open what is switched on. */
export async function look(): Promise<void> {
  const { microphone, camera } = wish.value;
  missing.value = [];
  missing.value = await tryDevices({ microphone, camera });
}

/** Switches a device on or off for the call that comes. */
export async function switchWish(source: OwnSource): Promise<void> {
  const there = source === 'camera' ? camera.value : microphone.value;
  const on = !(wish.value[source] && there);
  wish.value = { ...wish.value, [source]: on };
  if (!on && source === 'microphone') closeMicrophone();
  if (!on && source === 'camera') closeCamera();
  await look();
}

/** Goes into the call with what is switched on. */
export async function proceed(): Promise<void> {
  const call = checking.value;
  if (typeof call !== 'object') return;
  let going = Promise.resolve();
  batch(() => {
    checking.value = undefined;
    going = call.go(wish.value);
  });
  await going;
}

/** Leaves it at that. */
export function giveUp(): void {
  checking.value = undefined;
}

takePart({ left: giveUp });

// Whoever answered a call meanwhile does not need the look any more.
effect(() => {
  if (active.value) checking.value = undefined;
});

// Nobody is filmed for nothing: what was opened for a call that did not come about is let go. A call is for a moment neither placed nor entered.
effect(() => {
  if (active.value || outgoing.value || checking.value) return undefined;
  const timer = setTimeout(stopAll, 50);
  return () => clearTimeout(timer);
});
