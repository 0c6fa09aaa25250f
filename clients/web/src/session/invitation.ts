// The code of an invitation link, https://SERVER/#invite=CODE. Behind the # it is in no server's log.

/** The code in the hash of an address; nothing where there is none. */
export function invitationIn(hash: string): string {
  const [, code] = /^#invite=([^&]{1,300})$/.exec(hash) ?? [];
  if (!code) return '';
  try {
    return decodeURIComponent(code).trim().slice(0, 100);
  } catch {
    return '';
  }
}

/** Takes the code out of the address bar, once it is used. */
export function forgetInvitation(): void {
  if (invitationIn(location.hash)) history.replaceState(null, '', location.pathname);
}
