// Times for people, in the page's language.
import { dayOf } from '../chat/timeline';
import { language, t } from './index';

const locale = () => (language.value === 'zh' ? 'zh-CN' : navigator.language.startsWith('en') ? navigator.language : 'en-GB');

/** Hours and minutes. */
export function clock(time: number): string {
  return new Intl.DateTimeFormat(locale(), { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(time);
}

/** A day: today, yesterday or its date. */
export function day(time: number, now = Date.now()): string {
  if (dayOf(time) === dayOf(now)) return t('today');
  if (dayOf(time) === dayOf(now - 86_400_000)) return t('yesterday');
  const year = new Date(time).getFullYear() === new Date(now).getFullYear() ? undefined : 'numeric';
  return new Intl.DateTimeFormat(locale(), { day: 'numeric', month: 'long', year }).format(time);
}

/** For a list: the clock today, the day before that. */
export function briefly(time: number): string {
  if (!time) return '';
  if (dayOf(time) === dayOf(Date.now())) return clock(time);
  return new Intl.DateTimeFormat(locale(), { day: 'numeric', month: 'numeric' }).format(time);
}

/** A duration as m:ss or h:mm:ss. */
export function duration(ms: number): string {
  const s = Math.round(ms / 1000);
  const two = (n: number) => String(n).padStart(2, '0');
  const [h, m] = [Math.floor(s / 3600), Math.floor(s / 60) % 60];
  return h ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
}

/** When somebody was last here: the clock today, else the day with it. */
export function lately(time: number, now = Date.now()): string {
  return dayOf(time) === dayOf(now) ? clock(time) : `${day(time, now)} ${clock(time)}`;
}
