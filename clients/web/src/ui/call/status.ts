// What is said of the state of a call. Pure.
import type { Active } from '../../call/state';
import type { TextKey } from '../../text';

/** What the state is judged by. */
export interface StateOfCall {
  call: Pick<Active, 'phase' | 'met' | 'participants'>;
  /** The device has a network. */
  online: boolean;
  /** There is a connection to the server, for messages. */
  connected: boolean;
  /** One's own camera is on. */
  camera: boolean;
}

/** Where the call stands, or what is being tried to get it back. */
export function statusOf({ call: { phase, met, participants }, online, connected, camera }: StateOfCall): TextKey {
  if (!online) return 'state_offline';
  if (phase === 'healing') return 'state_healing';
  if (phase === 'rerouting') return 'state_rerouting';
  if (!connected) return 'state_server';
  if (phase === 'joining') return met ? 'state_rejoining' : 'joining';
  if (participants.size === 0) return met ? 'waiting_for_others' : 'ringing';
  const pictures = camera || [...participants.values()].some(({ tracks }) => tracks.camera && !tracks.camera.muted);
  return pictures ? 'call_video' : 'call_voice';
}
