// Who speaks, as the server tells.
import { signal } from '@preact/signals';
import { takePart } from '../session/session';
import { peer } from './active';
import { active, keyOfCell } from './state';

/** The participants who speak now, who does most first; '' is oneself. */
export const speaking = signal<ReadonlySet<string>>(new Set());

const forget = () => {
  speaking.value = new Set();
};

takePart({
  guests: true,
  pushed(m) {
    const call = active.value;
    if (m.message_type !== 'speakers' || call?.connection_key !== keyOfCell(m)) return;
    const ids = (m.participants ?? '').split(',').filter((id) => id !== '');
    speaking.value = new Set(ids.map((id) => (id === call.participant ? '' : id)));
  },
  left: forget,
});

// In another PeerConnection one is somebody else.
peer.subscribe(forget);
