// How the call is looked at: in a grid or with one person large, who that is, and what is pinned.
import { computed, effect, signal } from '@preact/signals';
import { follow, nobody, turn } from './calm';
import { speaking } from './levels';
import { active } from './state';

/** All alike, or whoever speaks large. */
export type View = 'grid' | 'speaker';

const storageKey = 'call-view';

/** Which of them; remembered. A shared screen or somebody pinned is large in both. */
export const view = signal<View>(localStorage.getItem(storageKey) === 'speaker' ? 'speaker' : 'grid');
/** The tile that stays large, by its key; '' for none. */
export const pinned = signal('');
/** The page of tiles that is shown, from 0. */
export const page = signal(0);

const place = signal(nobody);
/** The participant who speaks, or spoke last; '' for nobody. */
export const speaker = computed(() => place.value.id);

/** Changes to the other view. */
export function switchView(): void {
  view.value = view.value === 'grid' ? 'speaker' : 'grid';
  pinned.value = '';
  page.value = 0;
  localStorage.setItem(storageKey, view.value);
}

/** Pins a tile, or lets it go. */
export function pin(key: string): void {
  pinned.value = pinned.value === key ? '' : key;
  page.value = 0;
}

const participants = computed(() => active.value?.participants);

effect(() => {
  const here = participants.value;
  const ids = [...speaking.value];
  let timer = 0;
  const look = () => {
    place.value = follow(place.peek(), ids, (id) => here?.has(id) ?? false, performance.now());
    const due = turn(place.peek());
    if (due < Infinity) timer = window.setTimeout(look, Math.max(10, due - performance.now()));
  };
  look();
  return () => clearTimeout(timer);
});

const key = computed(() => active.value?.connection_key);

effect(() => {
  if (key.value) return;
  pinned.value = '';
  page.value = 0;
  place.value = nobody;
});
