import { computed, effect, signal } from '@preact/signals';
import { go } from '../../chat/route';
import { current } from '../../chat/store';
import { keyOf } from '../../chat/line';
import { active } from '../../call/state';

/** Where there is no room for both, whether the call is shown or the chat. */
export const callShown = signal(true);
/** Where there is room for both, whether the chat stands beside the call. */
export const chatBeside = signal(true);
/** The figures of the call are shown. */
export const statisticsShown = signal(false);
/** The devices of the call are being chosen. */
export const devicesShown = signal(false);

const query = matchMedia('(min-width: 1100px)');
/** There is room for call and chat side by side. */
export const roomy = signal(query.matches);
query.addEventListener('change', () => (roomy.value = query.matches));

/** The chat can be seen, as far as a call leaves it room. */
export const chatSeen = computed(() => !active.value || (roomy.value ? chatBeside.value : !callShown.value));

/** Shows the chat of the call, or takes it away. */
export function toggleChat(): void {
  const target = active.value?.target;
  if (!target) return;
  const there = chatSeen.value && !!current.value && keyOf(current.value) === keyOf(target);
  if (!there) go(target);
  chatBeside.value = !there;
  callShown.value = there;
}

effect(() => {
  if (active.value) return;
  callShown.value = true;
  chatBeside.value = true;
  statisticsShown.value = false;
  devicesShown.value = false;
});
