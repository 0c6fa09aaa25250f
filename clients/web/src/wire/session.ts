// POST, GET and DELETE /session: who this browser is, by a cookie that scripts cannot read (docs/protocol.md, section 4).
import { decode, type Message } from './codec';
import { Failure, failureOf } from './failure';

/** Tells the account of the cookie, or undefined if there is none. Throws a Failure with stat 0 when the server is away. */
export async function whoAmI(): Promise<string | undefined> {
  try {
    return (await ask('GET')).user_account;
  } catch (error) {
    if (error instanceof Failure && error.stat === 401) return undefined;
    throw error;
  }
}

/** Logs in: the browser keeps the cookie that comes with the answer. Answers the account. */
export async function logIn(user_account: string, user_password: string, device: string): Promise<string> {
  const answer = await ask('POST', new URLSearchParams({ user_account, user_password, device }));
  return answer.user_account ?? user_account;
}

/** Ends the session on the server; its cookie is void afterwards. */
export async function logOut(): Promise<void> {
  await ask('DELETE');
}

async function ask(method: string, body?: URLSearchParams): Promise<Message> {
  const response = await fetch('/session', { method, body: body ?? null, cache: 'no-store' }).catch(() => {
    throw new Failure(0, 'no answer');
  });
  const [answer] = decode(await response.text().catch(() => ''));
  if (response.ok) return answer ?? {};
  throw failureOf({ reason: response.statusText, ...answer, stat: String(response.status) });
}
