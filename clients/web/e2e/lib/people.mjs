// Who plays: everybody has a face (picture id) and a voice (Hz) of their own; no tone is near a multiple of another.
/** @typedef {import('./browsers.mjs').Person} Person */

/** @type {Person} */
export const ANN = { account: 'ann', id: 17, tone: 523, screen: 117 };
/** @type {Person} */
export const BEN = { account: 'ben', id: 42, tone: 698, screen: 142 };
/** @type {Person} */
export const CLEO = { account: 'cleo', id: 99, tone: 932, screen: 199 };
/** Who has no browser but a terminal. */
export const DORA = 'dora';
