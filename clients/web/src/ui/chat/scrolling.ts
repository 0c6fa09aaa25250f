import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { jump } from '../../chat/history';
import type { Timeline } from '../../chat/timeline';

/** So near an end, px, counts as being there. */
const near = 60;

/** Fetches the pages beyond either end. */
export interface Pages {
  earlier: () => void;
  later: () => void;
}

/** Stays at the end while one is there, keeps its place when earlier lines come in above, and goes to what is jumped to. */
export function useScrolling(conversation: string, { lines, live }: Timeline, pending: number, pages: Pages) {
  const box = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const last = useRef({ height: 0, first: 0 });
  const [away, setAway] = useState(false);
  const first = lines[0]?.seq ?? 0;
  const end = lines.at(-1)?.seq ?? 0;
  const wanted = jump.value?.conversation === conversation ? jump.value.seq : 0;

  const toEnd = () => {
    if (box.current) box.current.scrollTop = box.current.scrollHeight;
  };
  const onScroll = () => {
    const el = box.current;
    if (!el) return;
    const below = el.scrollHeight - el.scrollTop - el.clientHeight;
    atEnd.current = live && below < near;
    setAway(!atEnd.current);
    if (el.scrollTop < 3 * near) pages.earlier();
    if (!live && below < 3 * near) pages.later();
  };

  useLayoutEffect(() => {
    const el = box.current;
    if (!el) return;
    if (!live) atEnd.current = false;
    if (atEnd.current) toEnd();
    else if (first < last.current.first) el.scrollTop += el.scrollHeight - last.current.height;
    last.current = { height: el.scrollHeight, first };
  }, [first, end, pending, lines.length, live]);

  useLayoutEffect(() => {
    if (pending > 0) toEnd();
  }, [pending]);

  useEffect(() => {
    const el = box.current;
    const line = wanted ? el?.querySelector<HTMLElement>(`[data-seq="${wanted}"]`) : undefined;
    if (!line) return;
    jump.value = undefined;
    atEnd.current = false;
    line.scrollIntoView({ block: 'center' });
    line.classList.add('flash');
    line.addEventListener('animationend', () => line.classList.remove('flash'), { once: true });
    line.focus({ preventScroll: true });
  }, [wanted, first, end]);

  useEffect(() => {
    const el = box.current;
    if (!el) return undefined;
    if (first > 1 && el.scrollHeight <= el.clientHeight) pages.earlier();
    // A phone's keyboard makes the box smaller; the end stays in sight.
    const observer = new ResizeObserver(() => atEnd.current && toEnd());
    observer.observe(el);
    for (const child of el.children) if (child.classList.contains('lines')) observer.observe(child);
    return () => observer.disconnect();
    // eslint-disable-next-line react-hooks/exhaustive-deps -- `pages` is made anew at each rendering and means the same
  }, [first]);

  return { box, away, onScroll, toEnd };
}

/** Arrow keys go from message to message. */
export function moveFocus(event: KeyboardEvent): void {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  const { currentTarget: box, target } = event;
  if (!step || !(box instanceof HTMLElement) || !(target instanceof HTMLElement)) return;
  if (target !== box && !target.classList.contains('message')) return;
  const messages = [...box.querySelectorAll<HTMLElement>('.message[tabindex]')];
  const at = messages.indexOf(target);
  const next = at < 0 ? messages.at(-1) : messages[at + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
}
