// Uploads go over a connection of their own on /file, so that a large one holds up neither chat nor call.
import { connect, type Socket } from './socket';
import { Failure } from './failure';
import { shorten } from './names';

/** Uploads a file and answers its NAME. `time` and the file's name make a repetition recognisable: the same upload twice is one file. */
export function upload(user_account: string, device: string, time: number, file: File, progress: (share: number) => void): Promise<string> {
  return new Promise((resolve, reject) => {
    connect('/file', {
      opened(socket) {
        send(socket)
          .then(resolve, reject)
          .finally(() => socket.close());
      },
      pushed: () => undefined,
      closed: (code) => reject(new Failure(code === 1009 ? 413 : 0, 'connection lost')),
    });

    async function send(socket: Socket): Promise<string> {
      await socket.request({ message_type: 'login', user_account, device: `${device}-file` });
      const timer = window.setInterval(() => progress(1 - socket.waiting() / (file.size + 1)), 150);
      try {
        const { head } = await socket.request({ message_type: 'file', time, file_name: shorten(file.name) }, file);
        return head.file ?? '';
      } finally {
        clearInterval(timer);
      }
    }
  });
}
