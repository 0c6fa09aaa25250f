// The lines of neochat.v1 (docs/protocol.md, section 2).

/** A protocol message: its names and values. It has no prototype, as `constructor` is a legal name. */
export type Message = Record<string, string>;

/** A message with the items of its list: none where it is not the header of a list. */
export interface Packet {
  head: Message;
  items: Message[];
}

/** Writes a message as lines, closed by an empty one. Fields that are undefined are left out. */
export function encode(fields: Readonly<Record<string, string | number | undefined>>): string {
  let lines = '';
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) lines += `${name}: ${String(value).replaceAll('\n', '\n ')}\n`;
  }
  return lines + '\n';
}

/** Reads the messages of a text frame. A malformed one is left out, those around it are kept. */
export function decode(frame: string): Message[] {
  const messages: Message[] = [];
  for (const lines of paragraphs(frame)) {
    const message = readLines(lines);
    if (message) messages.push(message);
  }
  return messages;
}

/** Reads a text frame and puts the items of each list with its header. */
export function packets(frame: string): Packet[] {
  const messages = decode(frame);
  const found: Packet[] = [];
  for (let at = 0; at < messages.length; ) {
    const head = messages[at++];
    if (!head) break;
    const count = 'stat' in head && head.count ? Number(head.count) : 0;
    found.push({ head, items: messages.slice(at, at + count) });
    at += count;
  }
  return found;
}

function paragraphs(frame: string): string[][] {
  const found: string[][] = [];
  let current: string[] = [];
  let dropCR = false;
  for (const raw of frame.split('\n')) {
    if (current.length === 0) dropCR = raw.endsWith('\r');
    const line = dropCR && raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    if (line !== '') current.push(line);
    else if (current.length > 0) {
      found.push(current);
      current = [];
    }
  }
  if (current.length > 0) found.push(current);
  return found;
}

function readLines(lines: string[]): Message | undefined {
  const message = Object.create(null) as Message;
  let name = '';
  for (const line of lines) {
    if (line.startsWith(' ')) {
      if (name === '') return undefined;
      message[name] = `${message[name] ?? ''}\n${line.slice(1)}`;
      continue;
    }
    const colon = line.indexOf(':');
    name = line.slice(0, Math.max(colon, 0));
    if (!/^[a-z][a-z0-9_]{0,63}$/.test(name) || name in message) return undefined;
    const value = line.slice(colon + 1);
    message[name] = value.startsWith(' ') ? value.slice(1) : value;
  }
  return message;
}
