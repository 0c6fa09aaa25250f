// The secret of a guest's link, https://SERVER/#guest=SECRET. Behind the # it is in no server's log.

/** The secret in the hash of an address; nothing where there is none. */
export function secretIn(hash: string): string {
  return /^#guest=([A-Za-z0-9_-]{22})$/.exec(hash)?.[1] ?? '';
}
