// How the pictures are that arrive, as the server judges the way to here.
import { signal } from '@preact/signals';
import { takePart } from '../session/session';
import type { TextKey } from '../text';
import type { Message } from '../wire/codec';
import { peer } from './active';
import { active, keyOfCell } from './state';

/** What to say of the pictures; undefined while there is nothing to say. */
export const quality = signal<TextKey | undefined>(undefined);

function textOf({ pictures, cause }: Message): TextKey | undefined {
  if (pictures === 'reduced') return cause === 'loss' ? 'quality_reduced_loss' : 'quality_reduced';
  if (pictures === 'none') return cause === 'loss' ? 'quality_none_loss' : 'quality_none';
  return undefined;
}

const forget = () => {
  quality.value = undefined;
};

takePart({
  guests: true,
  pushed(m) {
    if (m.message_type === 'quality' && active.value?.connection_key === keyOfCell(m)) quality.value = textOf(m);
  },
  left: forget,
});

// Another PeerConnection begins with all pictures.
peer.subscribe(forget);
