// Asks STUN and TURN servers through a PeerConnection that calls nobody.
import type { Found, Gathered } from './judge';

/** How long servers have to answer, ms. */
export const gatherFor = 5000;

/** Gathers candidates until the browser is done, one of the types `enough` came, or the time is over. A browser that has no WebRTC, or has it turned off, finds nothing. */
export async function gather(config: RTCConfiguration, enough: readonly RTCIceCandidateType[]): Promise<Gathered> {
  try {
    return await gatherWith(new RTCPeerConnection(config), enough);
  } catch {
    return { found: [], failures: new Map(), complete: true };
  }
}

async function gatherWith(pc: RTCPeerConnection, enough: readonly RTCIceCandidateType[]): Promise<Gathered> {
  const found: Found[] = [];
  const failures = new Map<string, number>();
  try {
    const done = new Promise<boolean>((resolve) => {
      setTimeout(() => resolve(false), gatherFor);
      pc.onicegatheringstatechange = () => {
        if (pc.iceGatheringState === 'complete') resolve(true);
      };
      pc.onicecandidateerror = ({ url, errorCode }) => failures.set(url, errorCode);
      pc.onicecandidate = ({ candidate }) => {
        if (!candidate?.candidate) return;
        const type = candidate.type ?? 'host';
        found.push({ type, protocol: candidate.protocol ?? '', address: candidate.address ?? '' });
        if (enough.includes(type)) resolve(false);
      };
    });
    pc.createDataChannel('test');
    await pc.setLocalDescription();
    return { complete: await done, found, failures };
  } finally {
    pc.close();
  }
}
