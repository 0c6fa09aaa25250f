// A guest's visit to one call, by a link.
import { signal } from '@preact/signals';
import { openLink } from '../wire/guest';
import { secretIn } from './link';
import { enterGuest, phase } from './session';

/** What a link was exchanged for. */
export interface Visit {
  secret: string;
  session: string;
  /** What the guest has in the place of an account. */
  account: string;
  name: string;
  /** Who made the link: what they are called. */
  host: string;
  connection_key: string;
  kind: 'call' | 'videocall';
}

/** The visit, once the guest has given a name. */
export const visit = signal<Visit | undefined>(undefined);
/** The visit has ended: the call is over, or somebody took the guest out. */
export const visitOver = signal(false);

const storageKey = 'guest';

/** Shows a guest's page where the address is a link's, and goes on with the visit after a reload. Answers whether it is. */
export function bootGuest(): boolean {
  const secret = secretIn(location.hash);
  if (!secret) return false;
  const kept = remembered(secret);
  if (kept) begin(kept);
  else phase.value = 'guest';
  return true;
}

/** Comes in under a name. Rejects with a Failure. */
export async function comeIn(name: string): Promise<Visit> {
  const secret = secretIn(location.hash);
  const m = await openLink(secret, name);
  const made: Visit = {
    secret,
    session: m.session ?? '',
    account: m.user_account ?? '',
    name: m.guest_name ?? name,
    host: m.user_name ?? m.friends ?? '',
    connection_key: m.connection_key ?? '',
    kind: m.call === 'videocall' ? 'videocall' : 'call',
  };
  sessionStorage.setItem(storageKey, JSON.stringify(made));
  begin(made);
  return made;
}

function begin(v: Visit) {
  visitOver.value = false;
  visit.value = v;
  enterGuest(v.account, v.session, end);
}

/** The visit is over; the link may still lead in again. */
function end() {
  sessionStorage.removeItem(storageKey);
  visit.value = undefined;
  visitOver.value = true;
}

function remembered(secret: string): Visit | undefined {
  try {
    const kept = JSON.parse(sessionStorage.getItem(storageKey) ?? 'null') as Visit | null;
    return kept?.secret === secret ? kept : undefined;
  } catch {
    return undefined;
  }
}

// Another link in the same window is another visit.
window.addEventListener('hashchange', () => {
  if (secretIn(location.hash)) location.reload();
});
