// Notifications of the system while nobody looks at the page. Asked for from the settings, never by themselves.
import { effect, signal } from '@preact/signals';
import { gist, titleOf } from '../chat/author';
import { incoming } from '../call/state';
import { readLine, type Conversation, type Target } from '../chat/line';
import { go } from '../chat/route';
import { byId } from '../chat/store';
import { nameOf } from '../people/people';
import { me, takePart } from '../session/session';
import { t } from '../text';
import type { Message } from '../wire/codec';

/** `none`: this browser has none here (they need localhost or https). */
export type Consent = 'none' | 'denied' | 'off' | 'on';

const storageKey = 'notifications';

/** Whether notifications are shown. */
export const consent = signal<Consent>(readConsent());

function readConsent(): Consent {
  if (typeof Notification === 'undefined') return 'none';
  if (Notification.permission === 'denied') return 'denied';
  return Notification.permission === 'granted' && localStorage.getItem(storageKey) === 'on' ? 'on' : 'off';
}

/** Asks the browser, on the click of a button. */
export async function turnOn(): Promise<void> {
  if (typeof Notification === 'undefined') return;
  await Notification.requestPermission();
  localStorage.setItem(storageKey, 'on');
  consent.value = readConsent();
}

/** Shows none any more. */
export function turnOff(): void {
  localStorage.removeItem(storageKey);
  consent.value = readConsent();
}

/** One for each conversation: a later one takes the place of the one before. */
function show(title: string, body: string, target: Target) {
  if (consent.value !== 'on' || document.visibilityState === 'visible') return;
  try {
    const notification = new Notification(title, { body, tag: `${target.kind}:${target.id}`, icon: '/icon.svg' });
    notification.onclick = () => {
      window.focus();
      go(target);
      notification.close();
    };
  } catch {
    // Some browsers on phones allow them from a service worker only.
    consent.value = 'none';
  }
}

function tellOf(c: Conversation, m: Message) {
  const line = readLine(m);
  const text = gist(line.message_type, line.text);
  show(titleOf(c), c.kind === 'group' ? `${nameOf(line.user_account)}: ${text}` : text, c);
}

takePart({
  pushed(m, late) {
    if (late || m.user_account === me.value || (m.message_type !== 'text' && m.message_type !== 'voice')) return;
    const c = byId(m.conversation ?? '');
    if (c) tellOf(c, m);
    else if (!m.group_id && m.user_account) show(nameOf(m.user_account), t('notification_message'), { kind: 'pair', id: m.user_account });
  },
});

let rung = '';
effect(() => {
  const call = incoming.value.find((one) => !one.hidden);
  if (!call || call.cell_key === rung) return;
  rung = call.cell_key;
  const target: Target = call.group_id ? { kind: 'group', id: call.group_id } : { kind: 'pair', id: call.user_account };
  show(t(call.kind === 'videocall' ? 'incoming_videocall' : 'incoming_call', { who: nameOf(call.user_account) }), '', target);
});
