import { connect } from './socket';
import { Failure } from './failure';

/** Makes an account. It does not log in. Rejects with a Failure: 409 the account exists, 403 registration is closed or wants an invitation, 400 not allowed so. */
export function register(user_account: string, user_password: string, invite?: string): Promise<void> {
  return new Promise((resolve, reject) => {
    connect('/message', {
      opened(socket) {
        socket
          .request({ message_type: 'registered', user_account, user_password, invite })
          .then(() => resolve(), reject)
          .finally(() => socket.close());
      },
      pushed: () => undefined,
      closed: () => reject(new Failure(0, 'no answer')),
    });
  });
}
