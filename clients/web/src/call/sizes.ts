// How large the pictures of the others are shown: the server sends each no larger than that, and what is not shown not at all.
import { effect, signal } from '@preact/signals';
import { statOf } from '../wire/failure';
import { request } from '../session/session';
import { peer } from './active';
import { sizeIn } from './layers';
import { active } from './state';
import { larger, wantedOf, type PictureKey, type Told } from './wanted';

/** Changes are collected for so long, ms: a layout settles in several steps. */
const settling = 150;
/** A page nobody looks at gets pictures for so long still, ms. */
const patience = 5000;

/** The pictures that have a place on the page; those of the others are not sent. */
export const placed = signal<ReadonlySet<PictureKey>>(new Set());

const elements = new Map<PictureKey, Map<HTMLElement, Told>>();
let told = new Map<PictureKey, Told>();
let timer = 0;

/**
 * Watches an element that shows a picture, `whole` or filling its frame, until the function it gives is called.
 */
export function show(participant: string, source: 'camera' | 'screen', element: HTMLElement, whole: boolean): () => void {
  const key: PictureKey = `${participant} ${source}`;
  const sizes = elements.get(key) ?? new Map<HTMLElement, Told>();
  elements.set(key, sizes);
  // Of the window it is in: the page itself may be hidden while a small window beside it is not.
  const own = element.ownerDocument.defaultView ?? window;
  const measure = () => {
    const { clientWidth: width, clientHeight: height } = element;
    sizes.set(element, width && height ? sizeIn(width * own.devicePixelRatio, height * own.devicePixelRatio, whole) : 'none');
    later();
  };
  const observer = new own.ResizeObserver(measure);
  observer.observe(element);
  measure();
  return () => {
    observer.disconnect();
    sizes.delete(element);
    if (sizes.size === 0 && elements.get(key) === sizes) elements.delete(key);
    later();
  };
}

/** Whether a picture is shown, as far as the server was told. */
export function isShown(participant: string, source: 'camera' | 'screen'): boolean {
  return told.get(`${participant} ${source}`) !== 'none';
}

/** The size in which a picture was asked for; '' while nothing was told of it. */
export function askedOf(participant: string, source: 'camera' | 'screen'): string {
  return told.get(`${participant} ${source}`) ?? '';
}

/** What the page shows now, by picture; of a page that is hidden nothing but what stands in a window of its own. */
function measured(): Map<PictureKey, Told> {
  const sizes = new Map<PictureKey, Told>();
  for (const [key, of] of elements) {
    const seen = [...of].map(([element, size]) => (asleep && element.ownerDocument === document ? 'none' : size));
    if (seen.length > 0) sizes.set(key, seen.reduce(larger));
  }
  return sizes;
}

function later() {
  clearTimeout(timer);
  timer = window.setTimeout(tell, settling);
}

function tell() {
  const call = active.value;
  if (!call || call.participant === '') return;
  const wanted = wantedOf(call.participants, measured(), asleep ? new Set() : placed.value);
  const news = [...wanted].filter(([key, size]) => told.get(key) !== size);
  if (news.length === 0) {
    told = wanted;
    return;
  }
  const before = told;
  // Without what is gone: of what comes in its place the server knows nothing.
  told = wanted;
  request({ message_type: 'subscribe', connection_key: call.connection_key, tracks: news.map((line) => line.join(' ')).join('\n') }).catch((error: unknown) => {
    if (statOf(error) !== 0 && statOf(error) !== 404) console.warn('subscribe', error);
    if (told !== before) told = before; // told again with the next change
  });
}

// Another PeerConnection is another participant, to whom nothing was told.
effect(() => {
  if (peer.value) told = new Map();
});

// Nor can anything be told before one is one; and who comes is not shown by that alone.
effect(() => {
  const { value } = placed;
  if (active.value?.participant || value.size > 0) later();
});

let asleep = false;
let falling = 0;

document.addEventListener('visibilitychange', () => {
  clearTimeout(falling);
  const change = () => {
    // A small window of the browser's own shows one of the pictures.
    asleep = document.visibilityState === 'hidden' && !document.pictureInPictureElement;
    later();
  };
  if (document.visibilityState === 'hidden') falling = window.setTimeout(change, patience);
  else change();
});
