// The call in a small window above all others, while one works elsewhere.
import { computed, effect, signal } from '@preact/signals';
import { render } from 'preact';
import { active } from '../../call/state';
import { t } from '../../text';
import { notify } from '../notice';
import { PipView } from './PipView';
import { spotlight } from './spotlight';

/** Document Picture-in-Picture (WICG), which the types do not know yet. */
interface DocumentPip {
  requestWindow: (options: { width: number; height: number }) => Promise<Window>;
}

const own = (window as { documentPictureInPicture?: DocumentPip }).documentPictureInPicture;

/** The small window, while it is open. */
const small = signal<Window | undefined>(undefined);
/** Where there are no such windows, the browser's own for one video. */
const video = signal<HTMLVideoElement | undefined>(undefined);

/** Whether this browser can do either. */
export const canPip = !!own || document.pictureInPictureEnabled;
/** It is open. */
export const pipOpen = computed(() => !!small.value || !!video.value);

/** Opens the small window, or closes it. */
export async function togglePip(): Promise<void> {
  if (pipOpen.value) {
    closePip();
    return;
  }
  try {
    if (own) openWindow(await own.requestWindow({ width: 360, height: 260 }));
    else await openVideo();
  } catch {
    notify('pip_failed');
  }
}

function closePip() {
  small.value?.close();
  if (video.value) void document.exitPictureInPicture().catch(() => undefined);
}

function openWindow(opened: Window) {
  const page = opened.document;
  page.documentElement.lang = document.documentElement.lang;
  page.title = t('pip');
  for (const style of document.querySelectorAll<HTMLStyleElement | HTMLLinkElement>('style, link[rel=stylesheet]')) {
    const copy = page.importNode(style, true);
    if ('href' in style && 'href' in copy) copy.href = style.href; // in full: the window has no address of its own
    page.head.append(copy);
  }
  page.body.className = 'pip-page';
  render(<PipView />, page.body);
  small.value = opened;
  opened.addEventListener('pagehide', () => {
    render(null, page.body);
    small.value = undefined;
  });
}

/** Shows who is in the spotlight in the browser's own small window, as that changes. */
async function openVideo() {
  const track = spotlight.value?.track;
  if (!track) {
    notify('pip_nothing', {}, 'status');
    return;
  }
  const element = document.createElement('video');
  element.muted = true;
  element.srcObject = new MediaStream([track]);
  await element.play();
  await element.requestPictureInPicture();
  video.value = element;
  const follow = effect(() => {
    const now = spotlight.value?.track;
    if (now && !(element.srcObject as MediaStream).getTracks().includes(now)) element.srcObject = new MediaStream([now]);
    void element.play().catch(() => undefined);
  });
  element.addEventListener('leavepictureinpicture', () => {
    follow();
    element.srcObject = null;
    video.value = undefined;
  }, { once: true });
}

const inCall = computed(() => !!active.value);

effect(() => {
  if (!inCall.value) closePip();
});
