import { computed } from '@preact/signals';
import { peer } from '../../call/active';
import { active, soundOnly } from '../../call/state';
import { pinned, speaker } from '../../call/view';
import { sceneOf } from './arrange';
import { tilesOf } from './tiles';

/** Who is to be seen where there is room for one: who is pinned, a screen, or who speaks. */
export const spotlight = computed(() => {
  const call = active.value;
  if (!call) return undefined;
  const wish = { view: 'speaker', pinned: pinned.value, speaker: speaker.value, page: 0 } as const;
  const { large } = sceneOf(tilesOf(call.participants, soundOnly.value), wish, { grid: 1, beside: 1 });
  return large && { tile: large, track: large.mid ? peer.value?.trackOf(large.mid) : undefined };
});
