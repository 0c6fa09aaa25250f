// One thing sounds at a time: whatever begins to play in a conversation ends what played before, also a voice message.
import { playing, stopPlaying } from '../../voice/player';
import { effect } from '@preact/signals';

const inConversation = '.timeline video, .timeline audio';

// Such events do not bubble, but they come down from the document.
document.addEventListener(
  'play',
  ({ target }) => {
    if (!(target instanceof HTMLMediaElement) || !target.matches(inConversation)) return;
    stopPlaying();
    pauseAllBut(target);
  },
  true,
);

effect(() => {
  if (playing.value && !playing.value.paused) pauseAllBut(undefined);
});

function pauseAllBut(one: HTMLMediaElement | undefined) {
  for (const other of document.querySelectorAll<HTMLMediaElement>(inConversation)) if (other !== one) other.pause();
}
