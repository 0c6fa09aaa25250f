import { describe, expect, it } from 'vitest';
import { decode, encode, packets } from './codec';

describe('encode', () => {
  it('writes lines closed by an empty one and leaves out what is undefined', () => {
    expect(encode({ message_type: 'login', user_account: '+8611011', device: undefined })).toBe(
      'message_type: login\nuser_account: +8611011\n\n',
    );
  });
  it('continues a value with a line that starts with one space', () => {
    expect(encode({ text: 'first line\nsecond line\n\nlast' })).toBe('text: first line\n second line\n \n last\n\n');
  });
});

describe('decode', () => {
  it('reads back what encode wrote', () => {
    for (const text of ['', ' ', 'a', ' a ', '\n', 'a\n\n b\n', '\r', 'a\r\nb', 'v=0\r\no=- 1\r\n', 'name: value', '你好 👋']) {
      expect(decode(encode({ message_type: 'text', text })).map((m) => m.text)).toEqual([text]);
    }
  });
  it('drops a CR only if the first line ended with CRLF', () => {
    expect(decode('a: 1\r\nb: 2\r\n\r\nc: 3\nd: 4\r\n\n')).toEqual([
      { a: '1', b: '2' },
      { c: '3', d: '4\r' },
    ]);
  });
  it('reads a last message without an empty line', () => {
    expect(decode('a: 1\n\nb: 2')).toEqual([{ a: '1' }, { b: '2' }]);
  });
  it.each([' a: 1\n\n', 'A: 1\n\n', 'a 1\n\n', ': 1\n\n', 'a: 1\na: 2\n\n', '_a: 1\n\n'])('leaves out the malformed %j and keeps the next', (bad) => {
    expect(decode(bad + 'ok: 1\n\n')).toEqual([{ ok: '1' }]);
  });
  it('takes names that objects already know', () => {
    expect(decode('constructor: 1\n\n')[0]?.constructor).toBe('1');
    expect(decode('a: 1\n\n')[0]?.constructor).toBeUndefined();
  });
  it('reads an empty frame as nothing', () => {
    expect(decode('')).toEqual([]);
  });
});

describe('packets', () => {
  it('puts items with the header of their list and leaves pushes alone', () => {
    const frame = 'user_account: b\nmessage_type: text\n\ntask_id: 1\nstat: 200\ncount: 2\n\nseq: 1\n\nseq: 2\n\nmessage_type: leave\n\n';
    expect(packets(frame)).toEqual([
      { head: { user_account: 'b', message_type: 'text' }, items: [] },
      { head: { task_id: '1', stat: '200', count: '2' }, items: [{ seq: '1' }, { seq: '2' }] },
      { head: { message_type: 'leave' }, items: [] },
    ]);
  });
});
