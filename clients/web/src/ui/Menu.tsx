import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { t, type TextKey } from '../text';
import { Icon, type IconName } from './Icon';

/** Where a menu opens, px from the window's corner. */
export interface Spot {
  x: number;
  y: number;
}

/** The place below an element, for a menu that belongs to it. */
export function spotOf(element: Element): Spot {
  const box = element.getBoundingClientRect();
  return { x: box.left, y: box.bottom };
}

const margin = 8;

/** A menu over everything else. Arrow keys move in it; Escape, Tab and a click beside it close it, and the focus goes back. */
export function Menu({ at, label, onClose, children }: { at: Spot; label: string; onClose: () => void; children: ComponentChildren }) {
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const el = box.current;
    if (!el) return;
    const { width, height } = el.getBoundingClientRect();
    el.style.left = `${Math.max(margin, Math.min(at.x, innerWidth - width - margin))}px`;
    el.style.top = `${Math.max(margin, Math.min(at.y, innerHeight - height - margin))}px`;
  }, [at.x, at.y]);
  useEffect(() => {
    const before = document.activeElement;
    itemsOf(box.current)[0]?.focus();
    return () => {
      // Unless what was chosen took the focus elsewhere.
      if (before instanceof HTMLElement && (document.activeElement === document.body || !document.activeElement)) before.focus();
    };
  }, []);
  return (
    <div class="menu-layer" onPointerDown={(e) => e.target === e.currentTarget && onClose()} onContextMenu={(e) => e.preventDefault()}>
      <div ref={box} class="menu" role="menu" aria-label={label} data-testid="menu" onKeyDown={(e) => move(e, box.current, onClose)}>
        {children}
      </div>
    </div>
  );
}

interface ItemProps {
  text: TextKey;
  icon?: IconName;
  testid: string;
  danger?: boolean;
  act: () => void;
}

/** One thing to choose. */
export function MenuItem({ text, icon, testid, danger, act }: ItemProps) {
  return (
    <button type="button" class={danger ? 'menu-item danger quiet' : 'menu-item'} role="menuitem" tabIndex={-1} data-testid={testid} onClick={act}>
      {icon && <Icon name={icon} />}
      <span>{t(text)}</span>
    </button>
  );
}

function itemsOf(box: HTMLElement | null): HTMLElement[] {
  return [...(box?.querySelectorAll<HTMLElement>('[role=menuitem]') ?? [])];
}

function move(event: KeyboardEvent, box: HTMLElement | null, onClose: () => void) {
  const steps: Record<string, number> = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };
  const step = steps[event.key];
  if (event.key === 'Escape' || event.key === 'Tab') onClose();
  else if (step === undefined) return;
  else {
    const items = itemsOf(box);
    const at = items.indexOf(document.activeElement as HTMLElement);
    items[(at + step + items.length) % items.length]?.focus();
  }
  event.preventDefault();
  event.stopPropagation();
}
