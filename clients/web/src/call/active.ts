// The call one is in: joining, leaving, coming back, and the switches of one's own devices.
import { signal } from '@preact/signals';
import type { Message } from '../wire/codec';
import { statOf } from '../wire/failure';
import { device, me, ready, request, takePart } from '../session/session';
import { mended, notify, notifyFailure } from '../ui/notice';
import type { Target } from '../chat/line';
import { isGuest, learnGuest } from '../people/guests';
import { learn, nameOf } from '../people/people';
import { t } from '../text';
import { camera, closeCamera, closeMicrophone, closeScreen, microphone, microphoneOn, openDevices, openScreen, screen, screenSound, stopAll } from './local';
import { refreshCells } from './cells';
import { createPeer, type Peer } from './peer';
import { iceServersOf } from './relay';
import { remember, remembered } from './remember';
import { active, isSource, keyOfCell, outgoing, soundOnly, withPush, without, type Active, type CallKind } from './state';

/** The PeerConnection of the active call. */
export const peer = signal<Peer | undefined>(undefined);

/** What to join. */
export interface Entry {
  connection_key: string;
  kind: CallKind;
  target: Target;
  /** Which devices to open; by default the microphone, and the camera of a video call. */
  microphone?: boolean;
  camera?: boolean;
  /** When somebody else was first in it, after a reload; Unix ms. */
  since?: number;
}

const phases = { yes: 'in', waiting: 'healing', rerouting: 'rerouting' } as const;

/** How long the pushes after `restart` may take; who was not named by then has left meanwhile. */
const settling = 2000;

/** How long after a 503 to try again. */
const again = 2000;

/** Joins a call with what devices there are. Another call one is in is left. */
export async function enterCall(entry: Entry): Promise<void> {
  if (active.value) await leaveCall();
  mended('err_call_over');
  const want = { microphone: entry.microphone ?? true, camera: entry.camera ?? entry.kind === 'videocall' };
  const { connection_key, kind, target } = entry;
  active.value = { connection_key, kind, target, phase: 'joining', participant: '', participants: new Map(), met: false, moderator: false, since: entry.since ?? 0 };
  remember({ connection_key, kind, target, ...want, since: entry.since ?? 0, account: me.value });
  tabs.postMessage(connection_key);
  if (!want.microphone) closeMicrophone();
  if (!want.camera) closeCamera();
  void openDevices(want).then(publishDevices);
  await join(connection_key, want);
}

async function join(connection_key: string, want: { microphone: boolean; camera: boolean }): Promise<void> {
  peer.value?.close();
  const p = makePeer(connection_key);
  peer.value = p;
  try {
    await ready();
    const { head, items } = await request({ message_type: 'join', connection_key, device });
    if (peer.value !== p) return;
    update({ phase: 'in', participant: head.participant ?? '', moderator: head.moderator === 'yes' });
    for (const item of items) takeParticipant({ ...item, message_type: 'join' });
    if (want.microphone || microphone.value) p.publish('microphone', microphone.value, !microphoneOn.value);
    if (want.camera || camera.value) p.publish('camera', camera.value, !camera.value);
    publishScreen(p);
    // One of each from the start: the first of the others is then seen without another round of offers.
    p.sections(1, 1);
    p.start(iceServersOf(head));
  } catch (error) {
    if (peer.value !== p) return;
    if (statOf(error) === 0) return; // the next login tries again
    if (statOf(error) === 503) {
      // The server restarts, or its database is away: the call is not over.
      setTimeout(() => peer.value === p && void rejoin(), again);
      return;
    }
    endHere();
    notifyFailure(error, { 403: 'note_removed_from_call', 404: 'err_call_over' });
  }
}

function makePeer(connection_key: string): Peer {
  const p: Peer = createPeer({
    connection_key,
    request,
    flowing: (how) => peer.value === p && update({ phase: phases[how] }),
    unknown: () => peer.value === p && void rejoin(),
  });
  return p;
}

/** Leaves the call and lets all devices go. */
export async function leaveCall(): Promise<void> {
  const call = active.value;
  if (!call) return;
  const p = peer.value;
  const placed = outgoing.value?.cell_key === call.connection_key || (!call.met && call.target.kind === 'group');
  peer.value = undefined;
  endHere();
  try {
    // Nobody came yet: stop ringing them. Whoever did not place the call may not, and need not.
    if (placed) await request({ message_type: call.kind, type: 'DELETE', cell_key: call.connection_key }).catch(() => undefined);
    await sayGoodbye(call);
  } catch (error) {
    // Gone already, or gone within 30 s by itself.
    if (![0, 403, 404].includes(statOf(error))) notifyFailure(error);
  } finally {
    // Not sooner: to the server, media that end without a word are a broken network.
    p?.close();
    refreshCells();
  }
}

async function sayGoodbye({ connection_key, target }: Active): Promise<void> {
  try {
    await request({ message_type: 'leave', connection_key });
  } catch (error) {
    // The server lost sight of this side before: between two, the other one is not to wait.
    if (statOf(error) !== 404 || target.kind !== 'pair') throw error;
    await request({ message_type: 'cell', type: 'DELETE', cell_key: connection_key });
  }
}

/** Ends the call on this side only: the server knows. */
export function endHere(): void {
  peer.value?.close();
  peer.value = undefined;
  active.value = undefined;
  outgoing.value = undefined;
  soundOnly.value = false;
  remember(undefined);
  stopAll();
}

/** Opens or closes the microphone. */
export async function toggleMicrophone(): Promise<void> {
  if (!microphone.value) await openDevices({ microphone: true, camera: false });
  else microphoneOn.value = !microphoneOn.value;
  publishDevices();
}

/** Turns the camera on, or off and lets it go. */
export async function toggleCamera(): Promise<void> {
  soundOnly.value = false;
  if (camera.value) closeCamera();
  else await openDevices({ microphone: false, camera: true });
  publishDevices();
}

/** Makes it a call of voices only, on this side: neither sends the camera nor looks at others'. */
export function turnToVoice(): void {
  soundOnly.value = true;
  if (!camera.value) return;
  closeCamera();
  publishDevices();
}

/** Shares the screen, or stops it. */
export async function toggleScreen(): Promise<void> {
  if (screen.value) stopScreen();
  else if ((await openScreen(stopScreen)) && peer.value) publishScreen(peer.value);
}

function publishScreen(p: Peer) {
  if (screen.value) p.publish('screen', screen.value, false);
  if (screenSound.value) p.publish('screen_audio', screenSound.value, false);
}

function stopScreen() {
  closeScreen();
  void peer.value?.unpublish('screen');
  void peer.value?.unpublish('screen_audio');
}

/** Brings what is published level with the devices. */
export function publishDevices(): void {
  const call = active.value;
  if (!call) return;
  if (microphone.value) microphone.value.enabled = microphoneOn.value;
  publishDevice('microphone', microphone.value, !microphoneOn.value);
  publishDevice('camera', camera.value, !camera.value);
  remember({ ...call, microphone: microphoneOn.value, camera: !!camera.value, account: me.value });
}

function publishDevice(source: 'microphone' | 'camera', track: MediaStreamTrack | undefined, muted: boolean) {
  const p = peer.value;
  if (p?.has(source)) void p.change(source, track ?? null, muted);
  else if (track && active.value?.participant) p?.publish(source, track, muted);
}

function update(change: Partial<Active>) {
  if (active.value) active.value = { ...active.value, ...change };
}

function takeParticipant(m: Message) {
  const call = active.value;
  if (!call || (m.participant === call.participant && call.participant !== '')) return;
  if (m.message_type === 'join') learnName(m);
  const participants = withPush(call.participants, m);
  if (participants === call.participants) return;
  const met = call.met || participants.size > 0;
  active.value = { ...call, participants, met, since: call.since || (met ? Date.now() : 0) };
  const kept = !call.since && met ? remembered(me.value) : undefined;
  if (kept) remember({ ...kept, since: active.value.since });
  if (participants.size > 0 && outgoing.value?.cell_key === call.connection_key) outgoing.value = undefined;
}

function learnName(m: Message) {
  learnGuest(m);
  const { user_account = '', user_name } = m;
  // A guest may not ask who somebody is, and learns the names of the others by this alone.
  if (isGuest(me.value) && user_name) learn([{ user_account, user_name, avatar: '' }]);
}

/** A moderator muted what one publishes: the devices follow, so that one sees it. */
function silenced(source: string | undefined, by: string) {
  if (source === 'microphone') microphoneOn.value = false;
  else if (source === 'camera') closeCamera();
  else if (source === 'screen') stopScreen();
  else {
    if (source === 'screen_audio') void peer.value?.unpublish('screen_audio');
    return; // it goes with the screen, of which one is told
  }
  publishDevices();
  notify(source === 'microphone' ? 'note_muted_by' : 'note_picture_muted_by', { who: by ? nameOf(by) : t('a_moderator') });
}

/** Back on the server after a loss: as the same participant if it is not too late. */
async function comeBack(call: Active): Promise<void> {
  if (!call.participant) return rejoin();
  const before = new Set(call.participants.keys());
  named = new Set();
  try {
    const { head } = await request({ message_type: 'restart', connection_key: call.connection_key });
    head.silenced?.split(',').forEach((source) => silenced(source, ''));
  } catch (error) {
    if (statOf(error) !== 0) await rejoin();
    return;
  }
  peer.value?.resume();
  setTimeout(() => {
    for (const id of before) {
      if (active.value && !named.has(id)) update({ participants: without(active.value.participants, id) });
    }
  }, settling);
}

/** The participants named since the last `restart`. */
let named = new Set<string>();

async function rejoin(): Promise<void> {
  const call = active.value;
  if (!call) return;
  update({ phase: 'joining', participant: '', participants: new Map() });
  await join(call.connection_key, { microphone: !!microphone.value, camera: !!camera.value });
}

function pushed(m: Message) {
  const call = active.value;
  if (call?.connection_key !== keyOfCell(m)) return;
  const type = m.message_type ?? '';
  if (type === 'sections') peer.value?.sections(Number(m.audio ?? 0), Number(m.video ?? 0));
  if (type === 'subscribe' && isSource(m.source)) peer.value?.want(m.source, new Set(m.rids?.split(',')));
  if (type === 'leave' && m.participant === call.participant && call.participant !== '') {
    endHere();
    notify('note_joined_elsewhere', {}, 'status');
    return;
  }
  if (type === 'track' && m.type === 'PATCH') {
    if (m.participant === call.participant) silenced(m.source, m.user_account ?? '');
    return;
  }
  if (type === 'join' || type === 'track') named.add(m.participant ?? '');
  takeParticipant(m);
}

takePart({
  guests: true,
  pushed,
  opened() {
    if (active.value) {
      void comeBack(active.value);
      return;
    }
    const kept = remembered(me.value);
    if (kept) void enterCall(kept);
  },
  left: endHere,
});

// A device is in a call once: of several tabs of this browser the last one to join stays.
const tabs = new BroadcastChannel('call');
tabs.onmessage = ({ data }) => {
  if (active.value?.connection_key !== data) return;
  endHere();
  notify('note_joined_elsewhere', {}, 'status');
};

for (const target of ['online', 'change'] as const) {
  const source = target === 'online' ? window : (navigator as { connection?: EventTarget }).connection;
  source?.addEventListener(target, () => peer.value?.restart());
}
