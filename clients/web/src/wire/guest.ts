import type { Message } from './codec';
import { Failure } from './failure';
import { connect } from './socket';

/** Exchanges the secret of a link for a guest's session in its call. Rejects with a Failure: 404 the link is no good any more, 400 or 413 the name is none. */
export function openLink(secret: string, guest_name: string): Promise<Message> {
  return new Promise((resolve, reject) => {
    connect('/message', {
      opened(socket) {
        socket
          .request({ message_type: 'guest', secret, guest_name })
          .then(({ head }) => resolve(head), reject)
          .finally(() => socket.close());
      },
      pushed: () => undefined,
      closed: () => reject(new Failure(0, 'no answer')),
    });
  });
}
