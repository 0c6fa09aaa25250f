// Finds what does not fit: runs in a page, refers to nothing outside itself.

/**
 * Everything that is cut off, sticks out of the window sideways, or is covered by something else. In words, one line each; empty is good.
 * An ellipsis is allowed where people's own words are shortened on purpose: in the list, in file names, under a picture.
 * @returns {string[]}
 */
export function misfits() {
  const SHORTENED = '[data-testid=conversation-item], [data-testid=file-link], [data-testid=tile], [data-testid=self-tile], [data-ellipsis]';
  /** @type {string[]} */
  const found = [];
  const name = (/** @type {Element} */ e) => {
    const named = e.closest('[data-testid]');
    return `<${e.localName}${e.className && typeof e.className === 'string' ? `.${e.className.split(' ')[0]}` : ''}> in ${named?.getAttribute('data-testid') ?? 'page'}`;
  };
  const canvas = document.createElement('canvas');
  canvas.lang = document.documentElement.lang; // the language chooses the font
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  const page = document.scrollingElement ?? document.documentElement;
  if (page.scrollWidth > page.clientWidth) found.push(`the page is ${page.scrollWidth} px wide in a window of ${page.clientWidth}`);

  /** For screen readers only, or not shown. @param {Element} element */
  function hidden(element) {
    if (!element.checkVisibility()) return true; // within a closed <details>, too
    for (let e = /** @type {Element | null} */ (element); e; e = e.parentElement) {
      const style = getComputedStyle(e);
      const box = e.getBoundingClientRect();
      const tiny = style.display !== 'contents' && style.display !== 'inline' && (box.width <= 2 || box.height <= 2);
      if (tiny || style.visibility !== 'visible' || style.opacity === '0') return true;
    }
    return false;
  }

  /**
   * How much of a line's box is air above and below its letters: 中文 fonts have boxes that stick out of a line without anything to see.
   * @param {Element} element @param {string} text @param {DOMRect} rect
   */
  function airOf(element, text, rect) {
    pen.font = getComputedStyle(element).font;
    const m = pen.measureText(text);
    const known = Math.abs(m.fontBoundingBoxAscent + m.fontBoundingBoxDescent - rect.height) < 2;
    const guess = rect.height / 5;
    if (!known) return { above: guess, below: guess };
    return { above: m.fontBoundingBoxAscent - m.actualBoundingBoxAscent, below: m.fontBoundingBoxDescent - m.actualBoundingBoxDescent };
  }

  /** The nearest ancestor that cuts this rectangle off, where nobody can scroll to it. @param {Element} element @param {DOMRect} rect */
  function cutter(element, rect, air = { above: 0, below: 0 }) {
    for (let e = /** @type {Element | null} */ (element); e && e !== document.body; e = e.parentElement) {
      const style = getComputedStyle(e);
      const box = e.getBoundingClientRect();
      if (/hidden|clip|auto|scroll/.test(style.overflowX) && (rect.left < box.left - 1 || rect.right > box.right + 1)) return e;
      if (/hidden|clip/.test(style.overflowY) && (rect.top + air.above < box.top - 0.5 || rect.bottom - air.below > box.bottom + 0.5)) return e;
      if (/auto|scroll/.test(style.overflowY)) return null; // above here it moves
    }
    return null;
  }

  /** A place that one has to scroll to. @param {Element} element @param {number} x @param {number} y */
  function scrolledAway(element, x, y) {
    for (let e = element.parentElement; e && e !== document.body; e = e.parentElement) {
      const box = e.getBoundingClientRect();
      const moves = /auto|scroll/.test(getComputedStyle(e).overflowY);
      if (moves && (y < box.top || y > box.bottom || x < box.left || x > box.right)) return true;
    }
    return false;
  }

  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    const text = (node.nodeValue ?? '').trim();
    if (!text || !element || /^(script|style|textarea|option|title)$/.test(element.localName) || hidden(element)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const shortened = element.closest(SHORTENED);
    for (const rect of range.getClientRects()) {
      const ellipsis = shortened && getComputedStyle(element).textOverflow === 'ellipsis';
      if (ellipsis) rect.width = Math.min(rect.width, element.getBoundingClientRect().right - rect.left);
      if (rect.left < -1 || rect.right > innerWidth + 1) found.push(`“${text.slice(0, 40)}” sticks out of the window: ${name(element)}`);
      const by = cutter(element, rect, airOf(element, text, rect));
      if (by) found.push(`“${text.slice(0, 40)}” is cut off by ${name(by)}: ${name(element)}`);
    }
  }

  const dialog = document.querySelector('dialog[open], [role=dialog], [role=alertdialog], [role=menu]');
  for (const element of document.querySelectorAll('button, a[href], input:not([type=file]):not([type=hidden]), textarea, select')) {
    if (hidden(element)) continue;
    const box = element.getBoundingClientRect();
    if (box.left < -1 || box.right > innerWidth + 1) found.push(`${name(element)} sticks out of the window`);
    const overfull = element.clientWidth > 0 && element.scrollWidth > element.clientWidth + 1;
    if (overfull && !element.matches(SHORTENED)) found.push(`${name(element)} is narrower than what it holds`);
    if ((element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement) && element.placeholder) {
      const style = getComputedStyle(element);
      pen.font = style.font;
      const room = element.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
      if (pen.measureText(element.placeholder).width > room + 1) found.push(`the hint “${element.placeholder}” is cut off: ${name(element)}`);
    }
    const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
    if (y < 0 || y > innerHeight || x < 0 || x > innerWidth || (dialog && !dialog.contains(element))) continue;
    if (scrolledAway(element, x, y)) continue;
    const top = document.elementFromPoint(x, y);
    if (top && !element.contains(top) && !top.contains(element) && !cutter(element, box)) found.push(`${name(element)} is covered by ${name(top)}`);
  }
  return [...new Set(found)];
}
