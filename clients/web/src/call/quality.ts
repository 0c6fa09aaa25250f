// How the pictures are that arrive, as the server judges the way to here.
import { computed, signal } from '@preact/signals';
import { takePart } from '../session/session';
import type { TextKey } from '../text';
import type { Message } from '../wire/codec';
import { peer } from './active';
import { active, keyOfCell } from './state';

/** How the pictures get through, and what keeps them from it. */
export interface Pictures {
  pictures: 'full' | 'reduced' | 'none';
  cause: 'delay' | 'loss';
}

const full: Pictures = { pictures: 'full', cause: 'delay' };

/** What the server said last. */
export const pictures = signal(full);

/** What to say of the pictures; undefined while there is nothing to say. */
export const quality = computed<TextKey | undefined>(() => {
  const { pictures: state, cause } = pictures.value;
  if (state === 'full') return undefined;
  return cause === 'loss' ? `quality_${state}_loss` : `quality_${state}`;
});

function read({ pictures: state, cause }: Message): Pictures {
  return state === 'reduced' || state === 'none' ? { pictures: state, cause: cause === 'loss' ? 'loss' : 'delay' } : full;
}

const forget = () => {
  pictures.value = full;
};

takePart({
  guests: true,
  pushed(m) {
    if (m.message_type === 'quality' && active.value?.connection_key === keyOfCell(m)) pictures.value = read(m);
  },
  left: forget,
});

// Another PeerConnection begins with all pictures.
peer.subscribe(forget);
