// The relay (TURN) that the server lends to this device: it comes with `join`, and on request.
import type { Message } from '../wire/codec';
import type { Answer, Fields } from '../wire/socket';

/**
 * What a message's turn_ lines say, for a PeerConnection; nothing where the server has no relay. Relaying over UDP is left out: it leads to the port that calls
 * reach directly, from the same socket, and Chromium takes all answers from there for the relay's.
 */
export function iceServersOf(message: Message): RTCIceServer[] {
  const { turn_urls, turn_username, turn_password } = message;
  if (!turn_urls) return [];
  const urls = turn_urls.split(',').filter((url) => !url.endsWith('transport=udp'));
  return [{ urls, username: turn_username, credential: turn_password }];
}

/** Asks for the relay anew, for what one has lasts a while only. Where that fails, what one has may still do. */
export async function askRelay(request: (fields: Fields) => Promise<Answer>): Promise<RTCIceServer[] | undefined> {
  try {
    const { head } = await request({ message_type: 'turn', type: 'GET' });
    return iceServersOf(head);
  } catch {
    return undefined;
  }
}
