import { ANN, BEN } from '../lib/people.mjs';
import { scenario } from '../lib/stage.mjs';
import { signUp } from '../lib/ui.mjs';
import { assertFilm, assertVoice } from '../lib/watch.mjs';

/** @typedef {{url: string, token: string}} Lent  Where a stream begins, and with what. */

/** Ann rings Ben with no client but this, and asks for both tokens. @returns {Promise<{whip: Lent, whep: Lent}>} */
async function ring() {
  const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/cell`, 'neochat.v1');
  await new Promise((done) => socket.addEventListener('open', done));
  let tasks = 0;
  /** @param {string} lines @returns {Promise<Record<string, string>>} */
  const ask = (lines) => new Promise((done) => {
    const task = `task_id: ${++tasks}\n`;
    socket.addEventListener('message', ({ data }) => {
      const answer = /** @type {string} */ (data).split('\n\n').find((text) => text.startsWith(task));
      if (answer) done(Object.fromEntries(answer.split('\n').map((line) => line.split(': '))));
    });
    socket.send(`${task}${lines}\n\n`);
  });
  await ask('message_type: login\nuser_account: ann\ndevice: studio');
  const { connection_key: key } = await ask('friends: ben');
  await ask(`message_type: videocall\ncell_key: ${key}`);
  const lent = async (/** @type {string} */ kind) => {
    const { url, token } = await ask(`message_type: ${kind}\ntype: GET\nconnection_key: ${key}`);
    return { url: location.origin + url, token };
  };
  return { whip: await lent('whip'), whep: await lent('whep') };
}

/** Speaks WHIP or, where it does not publish, WHEP; candidates follow when all are there. @param {Lent & {publishes: boolean}} what */
async function stream({ url, token, publishes }) {
  const pc = new RTCPeerConnection();
  const gathered = new Promise((done) => pc.addEventListener('icecandidate', ({ candidate }) => candidate || done(null)));
  if (publishes) {
    const own = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 640, height: 360 } });
    for (const track of own.getTracks()) pc.addTransceiver(track, { direction: 'sendonly', streams: [own] });
  } else {
    for (const kind of ['audio', 'video']) pc.addTransceiver(kind, { direction: 'recvonly' });
    pc.addEventListener('track', ({ track }) => {
      const player = document.createElement(track.kind);
      Object.assign(player, { id: track.kind, autoplay: true, srcObject: new MediaStream([track]) });
      document.body.append(player);
    });
  }
  await pc.setLocalDescription();
  const headers = { Authorization: `Bearer ${token}` };
  const begun = await fetch(url, { method: 'POST', headers: { ...headers, 'Content-Type': 'application/sdp' }, body: pc.localDescription?.sdp });
  if (begun.status !== 201) throw new Error(`${begun.status} ${await begun.text()}`);
  await pc.setRemoteDescription({ type: 'answer', sdp: await begun.text() });
  await gathered;
  const lines = (pc.localDescription?.sdp ?? '').split(/(?=m=)/)[1].split('\r\n').filter((line) => /^(m=|a=mid:|a=ice-|a=candidate:|a=end-of)/.test(line));
  const patched = await fetch(new URL(begun.headers.get('Location') ?? '', url), {
    method: 'PATCH', body: `${lines.join('\r\n')}\r\n`,
    headers: { ...headers, 'Content-Type': 'application/trickle-ice-sdpfrag', 'If-Match': begun.headers.get('ETag') ?? '' },
  });
  if (patched.status !== 204) throw new Error(`${patched.status} ${await patched.text()}`);
}

scenario('pages of another origin: Chromium publishes in a call by WHIP, Firefox watches it by WHEP', async (stage) => {
  const ann = await stage.chromium(ANN);
  await signUp(ann);
  await signUp(await stage.beside(ann, BEN));
  const { whip, whep } = await ann.tab.evaluate(ring);
  const elsewhere = `${ann.url.replace('localhost', '127.0.0.1')}/healthz`;
  const studio = await stage.beside(ann, { ...ANN, account: 'studio' });
  await studio.tab.goto(elsewhere);
  await studio.tab.evaluate(stream, { ...whip, publishes: true });
  const hall = await stage.firefox({ ...BEN, account: 'hall' });
  await hall.tab.goto(elsewhere);
  await hall.tab.evaluate(stream, { ...whep, url: `${whep.url}?user_account=${ann.account}`, publishes: false });
  await assertFilm(hall.tab, '#video', ann.id);
  await assertVoice(hall.tab, '#audio', ann.tone, [BEN.tone]);
}, ['--whep']);
