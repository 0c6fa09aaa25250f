// How large the pictures of the others are shown: the server sends each no larger than that, and what is not shown not at all.
import { effect } from '@preact/signals';
import { statOf } from '../wire/failure';
import { request } from '../session/session';
import { peer } from './active';
import { sizeIn } from './layers';
import { active, type Source } from './state';

/** Changes are collected for so long, ms: a layout settles in several steps. */
const settling = 150;

const shown = new Map<string, string>();
let told = new Map<string, string>();
let timer = 0;

/**
 * Watches an element that shows a picture, `whole` or filling its frame, until the function it gives is called.
 */
export function show(participant: string, source: Source, element: HTMLElement, whole: boolean): () => void {
  const key = `${participant} ${source}`;
  const measure = () => {
    shown.set(key, sizeIn(element.clientWidth * devicePixelRatio, element.clientHeight * devicePixelRatio, whole));
    later();
  };
  const observer = new ResizeObserver(measure);
  observer.observe(element);
  measure();
  return () => {
    observer.disconnect();
    shown.set(key, 'none');
    later();
  };
}

/** Whether a picture is shown, as far as the server was told. */
export function isShown(participant: string, source: Source): boolean {
  return told.get(`${participant} ${source}`) !== 'none';
}

function later() {
  clearTimeout(timer);
  timer = window.setTimeout(tell, settling);
}

function tell() {
  const call = active.value;
  if (!call || call.participant === '') return;
  const news = [...shown].filter(([key, size]) => told.get(key) !== size && call.participants.has(key.split(' ')[0] ?? ''));
  for (const key of shown.keys()) if (!call.participants.has(key.split(' ')[0] ?? '')) shown.delete(key);
  if (news.length === 0) return;
  const before = told;
  told = new Map([...told, ...news]);
  request({ message_type: 'subscribe', connection_key: call.connection_key, tracks: news.map((line) => line.join(' ')).join('\n') }).catch((error: unknown) => {
    if (statOf(error) !== 0 && statOf(error) !== 404) console.warn('subscribe', error);
    if (told !== before) told = before; // told again with the next change
  });
}

// Another PeerConnection is another participant, to whom nothing was told.
effect(() => {
  if (peer.value) told = new Map();
});

// Nor can anything be told before one is one.
effect(() => {
  if (active.value?.participant) later();
});
