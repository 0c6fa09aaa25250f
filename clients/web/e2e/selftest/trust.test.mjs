// A browser that is told to trust a key reaches a TURN server that shows it over TLS, and one that is not told does not: calls over nothing
// but TLS are tried with that.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createServer } from 'node:tls';
import { openChromium, openFirefox } from '../lib/browsers.mjs';
import { servePeers } from './pages.mjs';

const ANN = { account: 'ann', id: 17, tone: 523 };
/** A STUN header's type of Allocate and its cookie (RFC 8656, section 17; RFC 8489, section 5), as hex around the two bytes of its length. */
const ALLOCATE = /^0003....2112a442/;

/** A key with a certificate that nobody else signed. */
function selfSigned() {
  const dir = mkdtempSync(join(tmpdir(), 'neochat-e2e-key-'));
  try {
    const [key, cert] = [join(dir, 'key'), join(dir, 'cert')];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=localhost',
      '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', key, '-out', cert], { stdio: 'ignore' });
    return { key: readFileSync(key), cert: readFileSync(cert) };
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** A TLS server that only notes what it is told first, in hex, or that it was refused. */
async function listenTLS() {
  const pair = selfSigned();
  /** @type {string[]} */
  const heard = [];
  const server = createServer(pair, (socket) => {
    socket.on('error', () => {});
    socket.once('data', (data) => {
      heard.push(data.toString('hex'));
      socket.destroy();
    });
  });
  server.on('tlsClientError', (error) => heard.push(`refused: ${error.message}`));
  await new Promise((listening) => server.listen(0, '127.0.0.1', () => listening(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const spki = new X509Certificate(pair.cert).publicKey.export({ type: 'spki', format: 'der' });
  return { port, spki: createHash('sha256').update(spki).digest('base64'), heard, close: () => new Promise((closed) => server.close(closed)) };
}

/** Gathers relayed candidates until there are no more. By name: Firefox passes over a `turns:` with an address. @param {number} port */
async function gather(port) {
  const connection = new RTCPeerConnection({
    iceServers: [{ urls: `turns:localhost:${port}?transport=tcp`, username: 'ann', credential: 'secret' }], iceTransportPolicy: 'relay',
  });
  connection.createDataChannel('any');
  const over = new Promise((done) => {
    connection.onicegatheringstatechange = () => connection.iceGatheringState === 'complete' && done(undefined);
  });
  await connection.setLocalDescription();
  await over;
  connection.close();
}

/** @type {Awaited<ReturnType<typeof servePeers>>} */
let page;
before(async () => {
  page = await servePeers();
});
after(() => page?.close());

for (const open of [openChromium, openFirefox]) {
  for (const trusted of [true, false]) {
    test(`TURN over TLS with a key that ${open.name} was ${trusted ? '' : 'not '}told to trust`, async () => {
      const server = await listenTLS();
      const tab = await open({ ...ANN, trust: trusted ? { spki: server.spki } : {} }, process.env);
      try {
        await tab.goto(page.url);
        await tab.evaluate(gather, server.port);
        assert.ok(server.heard.length > 0, 'nobody connected');
        assert.equal(server.heard.some((first) => ALLOCATE.test(first)), trusted, `${server.heard}`);
      } finally {
        await tab.close();
        await server.close();
      }
    });
  }
}
