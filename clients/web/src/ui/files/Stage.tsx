import { useEffect, useRef, useState } from 'preact/hooks';
import type { FileInfo } from '../../chat/fileinfo';
import { shownName } from '../../chat/markup';
import { t } from '../../text';
import { Icon } from '../Icon';
import { moved, whole, zoomed, type Size, type View } from './zoom';

/** What one step of the wheel or of a button zooms by, and a double click. */
const step = 1.25;
const leap = 2.5;
/** So far, px, a finger goes to leaf. */
const leafing = 60;

interface Props {
  name: string;
  told: FileInfo | undefined;
  /** To the next picture with 1, to the previous one with -1. */
  onLeaf: (step: 1 | -1) => void;
}

/** A picture as large as there is room, to be zoomed and moved by wheel, fingers, keys and buttons. */
export function Stage({ name, told, onLeaf }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState<View>(whole);
  const [state, setState] = useState<'loading' | 'there' | 'broken'>('loading');
  const zoom = (factor: number, x = 0, y = 0) => setView((v) => zoomed(v, factor, x, y, sizeOf(box.current)));
  const move = (x: number, y: number) => setView((v) => moved(v, x, y, sizeOf(box.current)));
  const pointers = usePointers(view, { zoom, move, onLeaf });
  useKeys(view, { zoom, move, onLeaf, reset: () => setView(whole) });
  useWheel(box, zoom);
  return (
    <div ref={box} class={view.scale > 1 ? 'stage close' : 'stage'} data-testid="viewer-stage" data-scale={view.scale.toFixed(2)} {...pointers}
      onDblClick={(e) => {
        const { x, y } = fromMiddle(e, e.currentTarget);
        if (view.scale > 1) setView(whole);
        else zoom(leap, x, y);
      }}>
      {state === 'broken' ? (
        <p role="alert">{t('err_picture_load')}</p>
      ) : (
        <img data-testid="viewer-picture" data-state={state} src={`/files/${name}`} alt={t('picture', { name: shownName(name) })} draggable={false}
          style={{ transform: `translate(${view.x}px, ${view.y}px) scale(${view.scale})`, ...(state === 'loading' && told?.preview ? { backgroundImage: `url("/files/${name}/preview")` } : {}) }}
          onLoad={() => setState('there')} onError={() => setState('broken')} />
      )}
      <div class="zoom">
        <button type="button" class="icon-button" data-testid="zoom-out" aria-label={t('zoom_out')} title={t('zoom_out')} disabled={view.scale <= 1} onClick={() => zoom(1 / step ** 2)}>
          <Icon name="minus" />
        </button>
        <button type="button" class="icon-button" data-testid="zoom-in" aria-label={t('zoom_in')} title={t('zoom_in')} onClick={() => zoom(step ** 2)}>
          <Icon name="plus" />
        </button>
      </div>
    </div>
  );
}

interface Acts {
  zoom: (factor: number, x?: number, y?: number) => void;
  move: (x: number, y: number) => void;
  onLeaf: (step: 1 | -1) => void;
}

/** One finger or the mouse moves a picture that is zoomed, and leafs where it is whole; two fingers zoom. */
function usePointers(view: View, { zoom, move, onLeaf }: Acts) {
  const down = useRef(new Map<number, { x: number; y: number }>());
  const begun = useRef({ x: 0, y: 0 });
  return {
    onPointerDown(e: PointerEvent) {
      if (!(e.currentTarget instanceof Element) || (e.target instanceof Element && e.target.closest('button'))) return;
      e.currentTarget.setPointerCapture(e.pointerId);
      begun.current = { x: e.clientX, y: e.clientY };
      down.current.set(e.pointerId, begun.current);
    },
    onPointerMove(e: PointerEvent) {
      const before = down.current.get(e.pointerId);
      if (!before || !(e.currentTarget instanceof Element)) return;
      const now = { x: e.clientX, y: e.clientY };
      const other = [...down.current].find(([id]) => id !== e.pointerId)?.[1];
      down.current.set(e.pointerId, now);
      if (other) {
        const { x, y } = fromMiddle({ clientX: (now.x + other.x) / 2, clientY: (now.y + other.y) / 2 }, e.currentTarget);
        zoom(distance(now, other) / Math.max(1, distance(before, other)), x, y);
      } else if (view.scale > 1) move(now.x - before.x, now.y - before.y);
    },
    onPointerUp(e: PointerEvent) {
      const alone = down.current.delete(e.pointerId) && down.current.size === 0;
      const [x, y] = [e.clientX - begun.current.x, e.clientY - begun.current.y];
      if (alone && view.scale === 1 && Math.abs(x) > leafing && Math.abs(x) > 2 * Math.abs(y)) onLeaf(x < 0 ? 1 : -1);
    },
    onPointerCancel: (e: PointerEvent) => void down.current.delete(e.pointerId),
  };
}

/** + and - zoom, 0 shows the whole; arrows move what is zoomed, and else leaf. */
function useKeys(view: View, { zoom, move, onLeaf, reset }: Acts & { reset: () => void }) {
  useEffect(() => {
    const far = 80;
    const close = view.scale > 1;
    const acts: Record<string, () => void> = {
      '+': () => zoom(step),
      '=': () => zoom(step),
      '-': () => zoom(1 / step),
      0: reset,
      ArrowLeft: () => (close ? move(far, 0) : onLeaf(-1)),
      ArrowRight: () => (close ? move(-far, 0) : onLeaf(1)),
      ArrowUp: () => move(0, far),
      ArrowDown: () => move(0, -far),
    };
    const onKey = (e: KeyboardEvent) => {
      const act = e.ctrlKey || e.metaKey || e.altKey ? undefined : acts[e.key];
      if (!act) return;
      e.preventDefault();
      act();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  });
}

/** By hand, as a listener that may keep the page from scrolling has to say so. */
function useWheel(box: { readonly current: HTMLElement | null }, zoom: Acts['zoom']) {
  useEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const onWheel = (e: WheelEvent) => {
      e.preventDefault();
      const { x, y } = fromMiddle(e, element);
      zoom(e.deltaY < 0 ? step : 1 / step, x, y);
    };
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  });
}

function fromMiddle({ clientX, clientY }: { clientX: number; clientY: number }, element: Element) {
  const { left, top, width, height } = element.getBoundingClientRect();
  return { x: clientX - left - width / 2, y: clientY - top - height / 2 };
}

function sizeOf(element: Element | null): Size {
  return element?.getBoundingClientRect() ?? { width: 0, height: 0 };
}

const distance = (a: { x: number; y: number }, b: { x: number; y: number }) => Math.hypot(a.x - b.x, a.y - b.y);
