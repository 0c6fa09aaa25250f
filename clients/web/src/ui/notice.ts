// Notices: what went wrong and what to do about it.
import { signal } from '@preact/signals';
import { Failure } from '../wire/failure';
import { t, type Params, type TextKey } from '../text';

/** One notice. It keeps its key, so that it follows the language. */
export interface Notice {
  key: TextKey;
  params: Params;
  /** `alert` for failures, `status` for what just happened. */
  role: 'alert' | 'status';
}

/** The notices shown, oldest first. */
export const notices = signal<readonly Notice[]>([]);

const statusFor = 6000;

/** Shows a notice; the same one is shown once. A status goes by itself, an alert stays until dismissed or mended. */
export function notify(key: TextKey, params: Params = {}, role: Notice['role'] = 'alert'): void {
  const notice = { key, params, role };
  notices.value = [...notices.value.filter((n) => n.key !== key), notice].slice(-3);
  if (role === 'status') setTimeout(() => dismiss(notice), statusFor);
}

/** Takes a notice away. */
export function dismiss(notice: Notice): void {
  notices.value = notices.value.filter((n) => n !== notice);
}

/** Takes away every notice with one of these keys: what it told is mended. */
export function mended(...keys: TextKey[]): void {
  notices.value = notices.value.filter((n) => !keys.includes(n.key));
}

/** The text that a stat means where nothing closer is known. */
const general: Partial<Record<number, TextKey>> = {
  0: 'err_away',
  400: 'err_bad',
  401: 'err_logged_out',
  403: 'err_forbidden',
  404: 'err_gone',
  409: 'err_conflict',
  413: 'err_too_large',
  429: 'err_too_often',
};

/** What to tell of a failure: `closer` names the texts that fit the situation better than the general ones. */
export function explain(error: unknown, closer: Partial<Record<number, TextKey>> = {}): [TextKey, Params] {
  if (!(error instanceof Failure)) return ['err_server', {}];
  const { stat } = error;
  const params = { reason: error.message, seconds: error.retryAfter || 60 };
  return [closer[stat] ?? general[stat] ?? 'err_server', params];
}

/** Shows what a failure means. */
export function notifyFailure(error: unknown, closer?: Partial<Record<number, TextKey>>, params: Params = {}): void {
  const [key, own] = explain(error, closer);
  notify(key, { ...own, ...params });
}

/** A failure in one sentence. */
export function sentence(error: unknown): string {
  const [key, params] = explain(error);
  return t(key, params);
}
