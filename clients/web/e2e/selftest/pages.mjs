// A page of our own with two PeerConnections, served with the same content policy as the real one: what proves the readers before they judge anything.
import { createServer } from 'node:http';

const POLICY = "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self' ws: wss:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'";

const HTML = `<!doctype html><title>two peers</title>
<video data-testid="camera" autoplay playsinline muted width="320"></video>
<video data-testid="screen" autoplay playsinline muted width="320"></video>
<audio data-testid="remote-audio" autoplay></audio>
<script src="/peers.js"></script>`;

/** Runs in the page: films, sends to itself through WebRTC, shows what arrives. */
async function callMyself() {
  const [from, to] = [new RTCPeerConnection(), new RTCPeerConnection()];
  from.onicecandidate = (e) => to.addIceCandidate(e.candidate ?? undefined);
  to.onicecandidate = (e) => from.addIceCandidate(e.candidate ?? undefined);
  const user = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } } });
  const screen = await navigator.mediaDevices.getDisplayMedia({ video: true });
  const media = [user.getAudioTracks()[0], user.getVideoTracks()[0], screen.getVideoTracks()[0]];
  for (const track of media) from.addTransceiver(track, { direction: 'sendonly' });
  const places = /** @type {HTMLMediaElement[]} */ (['remote-audio', 'camera', 'screen'].map((id) => document.querySelector(`[data-testid=${id}]`)));
  to.ontrack = (e) => {
    const place = places[Number(e.transceiver.mid)];
    place.srcObject = new MediaStream([e.track]);
    void place.play();
  };
  await from.setLocalDescription();
  await to.setRemoteDescription(/** @type {RTCSessionDescription} */ (from.localDescription));
  await to.setLocalDescription();
  await from.setRemoteDescription(/** @type {RTCSessionDescription} */ (to.localDescription));
  Object.assign(globalThis, { media, from });
}

/** Serves the page on a free port of loopback. @returns {Promise<{url: string, close: () => Promise<void>}>} */
export async function servePeers() {
  const server = createServer((request, response) => {
    const script = request.url === '/peers.js';
    response.setHeader('Content-Security-Policy', POLICY);
    response.setHeader('Content-Type', script ? 'text/javascript' : 'text/html');
    response.end(script ? `${callMyself}` : HTML);
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', () => listening(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${port}/`,
    close: () => new Promise((closed) => {
      server.close(() => closed());
      server.closeAllConnections();
    }),
  };
}
