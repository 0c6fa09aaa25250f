// The relay (TURN) that the server lends to this device: it comes with `join`, and on request.
import type { Message } from '../wire/codec';
import type { Answer, Fields } from '../wire/socket';

/** What a message's turn_ lines say, for a PeerConnection; nothing where the server has no relay. */
export function iceServersOf(message: Message): RTCIceServer[] {
  const { turn_urls, turn_username, turn_password } = message;
  if (!turn_urls) return [];
  return [{ urls: turn_urls.split(','), username: turn_username, credential: turn_password }];
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
