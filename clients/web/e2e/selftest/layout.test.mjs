// The check for things that do not fit finds them, and does not cry wolf.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openChromium } from '../lib/browsers.mjs';
import { misfits } from '../page/layout.mjs';

/** @type {import('../lib/browsers.mjs').Tab} */
let tab;
before(async () => {
  tab = await openChromium({ account: 'ann', id: 1, tone: 0, viewport: { width: 390, height: 844 }, devices: 'missing' }, process.env);
});
after(() => tab?.close());

/** What is found on a page of this body. @param {string} body */
async function findings(body) {
  await tab.goto(`data:text/html,${encodeURIComponent(`<!doctype html><meta name=viewport content="width=device-width"><style>body{margin:0;font:16px sans-serif}</style>${body}`)}`);
  return (await tab.evaluate(misfits)).join('\n');
}

const LONG = 'quite-a-long-word-'.repeat(4);
const flaws = [
  ['a page wider than the window', `<div style="width:500px">x</div>`, /page is 500 px wide/],
  ['text past the edge', `<body style="overflow:hidden"><p style="white-space:nowrap">${LONG}`, /sticks out/],
  ['text cut off sideways', `<div style="width:90px;overflow:hidden;white-space:nowrap">${LONG}</div>`, /cut off/],
  ['text cut off below', `<div style="height:9px;overflow:hidden">one</div>`, /cut off/],
  ['a label shortened by an ellipsis', `<button style="width:80px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap">${LONG}</button>`, /cut off|narrower/],
  ['a hint that does not fit', `<input style="width:60px" placeholder="${LONG}">`, /hint/],
  ['a covered button', `<button>one</button><div style="position:fixed;inset:0;background:white"></div>`, /covered/],
];
for (const [name, body, finding] of flaws) test(`${name} is found`, async () => assert.match(await findings(`${body}`), /** @type {RegExp} */ (finding)));

test('what fits, scrolls, is for screen readers or is shortened on purpose is left alone', async () => {
  assert.equal(await findings(`<h1>Chats</h1><button>New group</button><input placeholder="Name">
    <div style="height:60px;overflow:auto">${'<p>line</p>'.repeat(9)}</div>
    <span style="position:absolute;width:1px;height:1px;overflow:hidden;white-space:nowrap">${LONG}</span>
    <div data-testid="conversation-item"><p style="width:90px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap">${LONG}</p></div>`), '');
});
