// One WebSocket and the requests that wait on it; it knows neither logins nor reconnecting.
import { encode, packets, type Message, type Packet } from './codec';
import { Failure, failureOf } from './failure';

/** What a request may carry: undefined fields are left out. */
export type Fields = Readonly<Record<string, string | number | undefined>>;

/** A successful answer. */
export interface Answer {
  head: Message;
  items: Message[];
}

/** An open connection. */
export interface Socket {
  /** Sends a request and waits for its answer. Rejects with a Failure: the server's stat, or 0 if the connection was lost. */
  request: (fields: Fields) => Promise<Answer>;
  close: () => void;
}

/** What a connection tells its owner. `closed` comes once, last, also when it never opened. */
export interface SocketEvents {
  opened: (socket: Socket) => void;
  pushed: (message: Message) => void;
  closed: (code: number) => void;
}

interface Waiting {
  resolve: (answer: Answer) => void;
  reject: (failure: Failure) => void;
  timer: number;
}

const answerTimeout = 20_000;

/** Connects to one of the server's URLs, such as /message. */
export function connect(path: string, events: SocketEvents): Socket {
  const url = new URL(path, location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  url.hash = '';
  const ws = new WebSocket(url, 'neochat.v1');
  const waiting = new Map<string, Waiting>();
  const arrived: Packet[] = [];
  const turn = new MessageChannel();
  let lastTask = 0;
  let over = false;

  function end(code: number) {
    if (over) return;
    over = true;
    for (const { reject, timer } of waiting.values()) {
      clearTimeout(timer);
      reject(new Failure(0, 'connection lost'));
    }
    waiting.clear();
    arrived.length = 0;
    turn.port1.close();
    ws.close();
    events.closed(code);
  }

  const socket: Socket = {
    request(fields) {
      if (over || ws.readyState !== WebSocket.OPEN) return Promise.reject(new Failure(0, 'not connected'));
      const task_id = String(++lastTask);
      return new Promise((resolve, reject) => {
        // A connection that answers nothing is as good as lost.
        const timer = window.setTimeout(() => end(1006), answerTimeout);
        waiting.set(task_id, { resolve, reject, timer });
        ws.send(encode({ task_id, ...fields }));
      });
    },
    close: () => end(1000),
  };

  ws.onopen = () => events.opened(socket);
  ws.onclose = (event) => end(event.code);
  ws.onmessage = (event: MessageEvent<unknown>) => {
    if (typeof event.data !== 'string') return;
    const idle = arrived.length === 0;
    arrived.push(...packets(event.data));
    if (idle) take();
  };
  turn.port1.onmessage = take;
  return socket;

  // Whoever waited for an answer goes on before the push behind it is told, though both came in one frame. Timers would do
  // the same, but slowly in a hidden page.
  function take() {
    for (let next = arrived[0]; next; next = arrived[0]) {
      if (next.head.stat) {
        settle(waiting, next.head, next.items);
        turn.port2.postMessage(null);
        arrived[0] = { head: {}, items: [] };
        return;
      }
      arrived.shift();
      if (next.head.message_type) events.pushed(next.head);
    }
  }
}

function settle(waiting: Map<string, Waiting>, head: Message, items: Message[]) {
  const task = waiting.get(head.task_id ?? '');
  if (!task) return;
  waiting.delete(head.task_id ?? '');
  clearTimeout(task.timer);
  if (head.stat === '200') task.resolve({ head, items });
  else task.reject(failureOf(head));
}
