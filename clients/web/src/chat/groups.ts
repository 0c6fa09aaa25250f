// Groups: making and describing them, who is in, and what each may do.
import { signal } from '@preact/signals';
import type { Message } from '../wire/codec';
import { statOf } from '../wire/failure';
import { me, request, takePart } from '../session/session';
import { learn, people } from '../people/people';
import { refreshList } from './history';
import { keyOf, type Conversation, type Target } from './line';
import { conversations, put } from './store';

/** What somebody may do in a group. */
export type Permissions = 'creator' | 'admin' | 'member';

/** A member of a group. */
export interface Member {
  user_account: string;
  permissions: Permissions;
}

/** What a group says of itself. */
export interface Group {
  name: string;
  introduction: string;
  avatar: string;
  /** What who is invited sees: `join` from then on, `all` everything. */
  history: 'join' | 'all';
  /** How many there are. */
  members: number;
  /** Mine. */
  permissions: Permissions;
}

/** A page of members. */
const page = 500;

/** Groups as they describe themselves, by group_id. */
export const groups = signal<ReadonlyMap<string, Group>>(new Map());
/** The members of groups that were asked for, by group_id. */
export const members = signal<ReadonlyMap<string, readonly Member[]>>(new Map());
/** The groups one is no longer in, by group_id. */
export const former = signal<ReadonlySet<string>>(new Set());

/** One is no longer in this group. */
export function isFormer(c: Conversation): boolean {
  return c.kind === 'group' && (c.left || former.value.has(c.id));
}

/** Makes a group and answers where to go. Rejects with a Failure. */
export async function createGroup(name: string, friends: readonly string[], more: { introduction: string; history: string }): Promise<Target> {
  const { head } = await request({ message_type: 'group', name, friends: friends.join(',') || undefined, introduction: more.introduction || undefined, history: more.history });
  await refreshList();
  return { kind: 'group', id: head.group_id ?? '' };
}

/** Changes what a group says of itself. Rejects with a Failure. */
export async function describeGroup(group_id: string, columns: Readonly<Record<string, string>>): Promise<void> {
  await request({ message_type: 'group', type: 'PATCH', group_id, ...columns });
  await fetchGroup(group_id);
}

/** Ends a group for everybody. Rejects with a Failure. */
export async function dissolve(group_id: string): Promise<void> {
  await request({ message_type: 'group', type: 'DELETE', group_id });
  setFormer(group_id, true);
}

/** Invites accounts into a group. Rejects with a Failure. */
export async function invite(group_id: string, friends: readonly string[]): Promise<void> {
  await request({ message_type: 'member', group_id, friends: friends.join(',') });
  await fetchMembers(group_id);
}

/** Takes somebody out of a group. Rejects with a Failure. */
export async function removeMember(group_id: string, account: string): Promise<void> {
  await request({ message_type: 'member', type: 'DELETE', group_id, friends: account });
  await fetchMembers(group_id);
}

/** Gives somebody other permissions; `creator` hands the group over. Rejects with a Failure. */
export async function permit(group_id: string, account: string, permissions: Permissions): Promise<void> {
  await request({ message_type: 'member', type: 'PATCH', group_id, friends: account, permissions });
  await fetchMembers(group_id);
}

/** Leaves a group. Rejects with a Failure. */
export async function leaveGroup(group_id: string): Promise<void> {
  await request({ message_type: 'member', type: 'DELETE', group_id });
  setFormer(group_id, true);
}

/** Asks what a group says of itself and who is in, the first 500. Rejects with a Failure. */
export async function fetchMembers(group_id: string): Promise<void> {
  try {
    await fetchGroup(group_id);
    const found = await fetchPage(group_id, undefined);
    setFormer(group_id, false);
    members.value = new Map(members.value).set(group_id, found);
  } catch (error) {
    if (statOf(error) === 404) setFormer(group_id, true);
    throw error;
  }
}

/** Asks for the members behind those known. Rejects with a Failure. */
export async function fetchMoreMembers(group_id: string): Promise<void> {
  const known = members.value.get(group_id) ?? [];
  const found = await fetchPage(group_id, known.at(-1)?.user_account);
  members.value = new Map(members.value).set(group_id, [...known, ...found]);
}

async function fetchPage(group_id: string, after: string | undefined): Promise<Member[]> {
  const { items } = await request({ message_type: 'member', type: 'GET', group_id, limit: page, after });
  // Pictures are not in the list: those unknown are asked for where they are shown.
  learn(items.flatMap((m) => {
    const known = people.value.get(m.user_account ?? '');
    return known && m.user_name !== undefined ? [{ ...known, user_name: m.user_name }] : [];
  }));
  return items.map((m) => ({ user_account: m.user_account ?? '', permissions: permissionsOf(m.permissions) }));
}

async function fetchGroup(group_id: string): Promise<void> {
  const { head } = await request({ message_type: 'group', type: 'GET', group_id });
  take(group_id, head);
}

function take(group_id: string, m: Message) {
  const name = m.name ?? '';
  const group: Group = {
    name,
    introduction: m.introduction ?? '',
    avatar: m.avatar ?? '',
    history: m.history === 'all' ? 'all' : 'join',
    members: Number(m.members ?? 0),
    permissions: permissionsOf(m.permissions),
  };
  groups.value = new Map(groups.value).set(group_id, group);
  const c = conversations.value.get(keyOf({ kind: 'group', id: group_id }));
  if (c && name && c.name !== name) put({ ...c, name });
}

function permissionsOf(value = ''): Permissions {
  return value === 'creator' || value === 'admin' ? value : 'member';
}

function setFormer(group_id: string, left: boolean) {
  const c = conversations.value.get(keyOf({ kind: 'group', id: group_id }));
  if (c && !left && c.left) put({ ...c, left: false });
  if (former.value.has(group_id) === left) return;
  const next = new Set(former.value);
  if (left) next.add(group_id);
  else next.delete(group_id);
  former.value = next;
}

function changed(m: Message) {
  const group_id = m.group_id ?? '';
  const mine = m.friends?.split(',').includes(me.value);
  if (m.event === 'dissolved' || (m.event === 'removed' && mine)) setFormer(group_id, true);
  else if (members.value.has(group_id) || former.value.has(group_id) || m.event === 'described') fetchMembers(group_id).catch(() => undefined);
}

takePart({
  opened() {
    // Their pictures, for the list.
    request({ message_type: 'group', type: 'GET' }).then(({ items }) => items.forEach((m) => m.group_id && take(m.group_id, m)), () => undefined);
    for (const group_id of members.value.keys()) fetchMembers(group_id).catch(() => undefined);
  },
  pushed(m, late) {
    if (!m.group_id || late) return;
    if (m.message_type === 'member' && m.type === 'DELETE') setFormer(m.group_id, true);
    if (m.message_type === 'member_record') changed(m);
  },
  left() {
    groups.value = new Map();
    members.value = new Map();
    former.value = new Set();
  },
});
