// People without an account, as calls name them. No account has a colon in it, a guest has.
import { signal } from '@preact/signals';
import { t } from '../text';
import type { Message } from '../wire/codec';

const names = signal<ReadonlyMap<string, string>>(new Map());

/** Whether that stands for a guest, and not for an account. */
export function isGuest(account: string): boolean {
  return account.startsWith('guest:');
}

/** What a guest is called, and that it is one. */
export function guestName(account: string): string {
  return t('guest_of_name', { name: names.value.get(account) ?? '' });
}

/** Takes in what a call tells of a guest. */
export function learnGuest({ user_account, guest_name }: Readonly<Message>): void {
  if (!user_account || guest_name === undefined || names.value.get(user_account) === guest_name) return;
  names.value = new Map(names.value).set(user_account, guest_name);
}
