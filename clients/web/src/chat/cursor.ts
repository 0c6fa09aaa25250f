// How far this browser is with the changes of the server (docs/protocol.md, section 7), as a pure value.

/** Everything up to `at` is known. */
export interface Cursor {
  at: number;
  /** No page of `sync` is missing on this connection: what is pushed moves `at`. */
  level: boolean;
  /** The highest change pushed while pages were missing. */
  ahead: number;
}

/** Nothing is known. */
export const start: Cursor = { at: 0, level: false, ahead: 0 };

/** After a push that carried this change. */
export function afterPush(c: Cursor, change: number): Cursor {
  if (!(change > 0)) return c;
  return c.level ? { ...c, at: Math.max(c.at, change) } : { ...c, ahead: Math.max(c.ahead, change) };
}

/** After a page of `sync`; with the last one, what was pushed meanwhile counts. */
export function afterPage(c: Cursor, change: number, more: boolean): Cursor {
  const at = Math.max(c.at, change || 0);
  return more ? { ...c, at } : { at: Math.max(at, c.ahead), level: true, ahead: 0 };
}

/** After a new login: pushes on an earlier connection say nothing about this one. */
export function afterLoss(c: Cursor): Cursor {
  return { at: c.at, level: false, ahead: 0 };
}
