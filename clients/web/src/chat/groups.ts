// Groups: making them, inviting, leaving, who is in.
import { signal } from '@preact/signals';
import { statOf } from '../wire/failure';
import { request, takePart } from '../session/session';
import { goHome } from './route';
import { refreshList } from './store';
import type { Target } from './line';

/** A member of a group. */
export interface Member {
  user_account: string;
  permissions: string;
}

/** The members of groups that were asked for, by group_id. */
export const members = signal<ReadonlyMap<string, readonly Member[]>>(new Map());

/** The groups one is no longer in, by group_id. */
export const former = signal<ReadonlySet<string>>(new Set());

/** Makes a group and answers where to go. Rejects with a Failure. */
export async function createGroup(name: string, friends: readonly string[]): Promise<Target> {
  const { head } = await request({ message_type: 'group', name, friends: friends.join(',') || undefined });
  await refreshList();
  return { kind: 'group', id: head.group_id ?? '' };
}

/** Invites accounts into a group. Rejects with a Failure. */
export async function invite(group_id: string, friends: readonly string[]): Promise<void> {
  await request({ message_type: 'member', group_id, friends: friends.join(',') });
  await fetchMembers(group_id);
}

/** Leaves a group. Rejects with a Failure. */
export async function leaveGroup(group_id: string): Promise<void> {
  await request({ message_type: 'member', type: 'DELETE', group_id });
  setFormer(group_id, true);
  goHome();
}

/** Asks who is in a group. Rejects with a Failure. */
export async function fetchMembers(group_id: string): Promise<void> {
  const { items } = await request({ message_type: 'member', type: 'GET', group_id }).catch((error: unknown) => {
    if (statOf(error) === 404) setFormer(group_id, true);
    throw error;
  });
  setFormer(group_id, false);
  const found = items.map((m) => ({ user_account: m.user_account ?? '', permissions: m.permissions ?? 'member' }));
  members.value = new Map(members.value).set(group_id, found);
}

function setFormer(group_id: string, left: boolean) {
  if (former.value.has(group_id) === left) return;
  const next = new Set(former.value);
  if (left) next.add(group_id);
  else next.delete(group_id);
  former.value = next;
}

takePart({
  pushed(m) {
    if (m.message_type !== 'member_record' || !m.group_id) return;
    if (members.value.has(m.group_id) || former.value.has(m.group_id)) fetchMembers(m.group_id).catch(() => undefined);
  },
  left() {
    members.value = new Map();
    former.value = new Set();
  },
});
