// Who is in the call one is in: ringing more people into it, links for guests, and what moderators may do.
import { request } from '../session/session';
import type { Message } from '../wire/codec';
import type { Active, Source } from './state';

/** A link that leads guests into a call. */
export interface GuestLink {
  link: string;
  /** Unix ms. */
  until: number;
  uses: number;
  used: number;
}

/** Rings people into the call. Rejects with a Failure: 404 one does not exist, 403 one takes no calls from here. */
export async function ringInto({ connection_key, kind }: Active, friends: readonly string[]): Promise<void> {
  await request({ message_type: kind, cell_key: connection_key, friends: friends.join(',') });
}

/** Mutes what somebody else publishes, until they unmute it. Rejects with a Failure. */
export async function silence({ connection_key }: Active, participant: string, source: Source): Promise<void> {
  await request({ message_type: 'track', type: 'PATCH', connection_key, participant, source, muted: 'yes' });
}

/** Takes somebody out of the call. Rejects with a Failure. */
export async function removeFrom({ connection_key }: Active, participant: string): Promise<void> {
  await request({ message_type: 'leave', connection_key, participant });
}

/** Makes a link that is good for so many seconds, and answers its address. Rejects with a Failure. */
export async function makeLink({ connection_key }: Active, lifetime: number): Promise<string> {
  const { head } = await request({ message_type: 'guest', connection_key, lifetime });
  return `${location.origin}/#guest=${head.secret ?? ''}`;
}

/** The links into the call. Rejects with a Failure. */
export async function fetchLinks(connection_key: string): Promise<GuestLink[]> {
  const { items } = await request({ message_type: 'guest', type: 'GET', connection_key });
  return items.map(readLink);
}

/** Ends a link, and if asked to the presence of who came by it. Rejects with a Failure. */
export async function revokeLink({ connection_key }: Active, link: string, expel: boolean): Promise<void> {
  await request({ message_type: 'guest', type: 'DELETE', connection_key, link, expel: expel ? 'yes' : undefined });
}

function readLink(m: Message): GuestLink {
  return { link: m.link ?? '', until: Number(m.until ?? 0), uses: Number(m.uses ?? 0), used: Number(m.used ?? 0) };
}
