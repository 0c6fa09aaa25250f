import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { screen } from '../../call/local';
import { placed } from '../../call/sizes';
import { soundOnly, type Active } from '../../call/state';
import { page, pinned, speaker, view } from '../../call/view';
import type { PictureKey } from '../../call/wanted';
import { t } from '../../text';
import { Icon } from '../Icon';
import { roomBeside, roomIn, sceneOf, type Scene } from './arrange';
import { columnsFor, keyOfTile, tilesOf } from './tiles';
import { SelfTile, Tile } from './Tile';

/** How many tiles are so large that one's own may cover a corner. */
const few = 4;

/** The people in the call and their screens. */
export function Stage({ call }: { call: Active }) {
  const { box, size } = useSize();
  const wide = size.width > size.height * 1.2;
  const wish = { view: view.value, pinned: pinned.value, speaker: speaker.value, page: page.value };
  const tiles = tilesOf(call.participants, soundOnly.value);
  const own = screen.value ? 2 : 1;
  const scene = sceneOf(tiles, wish, { grid: roomIn(size.width, size.height) - own, beside: roomBeside(wide ? size.height : size.width) });
  usePlaces(scene);
  const { large, small } = scene;
  // Each keeps its place among the others while somebody else becomes large: what is moved about flickers.
  const shown = large ? tiles.filter((tile) => tile === large || small.includes(tile)) : small;
  // In the strip, from the second line on: the first leaves room to be in the middle.
  const places = shown.filter((tile) => tile !== large);
  // One's own tile has a corner to itself while tiles are large enough to spare it; then it stands among them.
  const among = !large && (shown.length === 0 || shown.length > few);
  const names = ['tiles', large ? 'with-large' : '', large && wide ? 'wide' : '', among ? 'among' : ''];
  const counts = { '--columns': columnsFor(shown.length + (among ? own : 0), size.width, size.height), '--beside': small.length + own };
  return (
    <div class="scene" data-testid="scene" data-view={wish.view}>
      <div ref={box} class={names.filter(Boolean).join(' ')} style={counts}>
        {shown.map((tile) => (
          <Tile key={keyOfTile(tile)} tile={tile} large={tile === large} only={tiles.length === 1} place={places.indexOf(tile) + 2} />
        ))}
        <div class="selves">
          {screen.value && <SelfTile key="screen" shared={screen.value} place={small.length + 2} />}
          <SelfTile key="self" place={small.length + own + 1} />
        </div>
      </div>
      <Pager scene={scene} />
    </div>
  );
}

/** Tells which pictures have a place. */
function usePlaces(scene: Scene) {
  const tiles = [...(scene.large ? [scene.large] : []), ...scene.small].filter(({ source }) => source === 'screen' || !soundOnly.value);
  const keys = tiles.map(({ participant, source }): PictureKey => `${participant} ${source === 'screen' ? 'screen' : 'camera'}`);
  const all = keys.join(',');
  useLayoutEffect(() => {
    placed.value = new Set((all ? all.split(',') : []) as PictureKey[]);
  }, [all]);
}

/** The way to those who are not shown. They are heard meanwhile. */
function Pager({ scene: { page: at, pages, elsewhere } }: { scene: Scene }) {
  if (pages < 2) return null;
  return (
    <div class="pager" role="group" aria-label={t('pages')} data-testid="pager">
      <button type="button" class="icon-button" data-testid="page-before" aria-label={t('page_before')} title={t('page_before')} disabled={at === 0} onClick={() => (page.value = at - 1)}>
        <Icon name="back" />
      </button>
      <span role="status">
        {t('page_of', { page: at + 1, pages })} · {t('others_heard', { count: elsewhere })}
      </span>
      <button type="button" class="icon-button" data-testid="page-next" aria-label={t('page_next')} title={t('page_next')} disabled={at === pages - 1} onClick={() => (page.value = at + 1)}>
        <Icon name="forward" />
      </button>
    </div>
  );
}

/** The size of an element, px, as it changes. */
function useSize() {
  const box = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState({ width: 1, height: 1 });
  useLayoutEffect(() => {
    const el = box.current;
    if (!el) return undefined;
    const measure = () => setSize({ width: el.clientWidth, height: el.clientHeight });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(el);
    return () => observer.disconnect();
  }, []);
  return { box, size };
}
