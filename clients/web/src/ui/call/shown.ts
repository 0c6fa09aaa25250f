import { effect, signal } from '@preact/signals';
import { active } from '../../call/state';

/** Where there is no room for both, whether the call is shown or the chat. */
export const callShown = signal(true);

effect(() => {
  if (!active.value) callShown.value = true;
});
