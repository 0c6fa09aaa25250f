import { describe, expect, it } from 'vitest';
import { missedCall, ordered, readConversation, readLine, unread, withLine, type Line } from './line';
import { byteCount, compose, parts, shownName } from './markup';
import { blank, dayOf, filled, firstHole, merge } from './timeline';

const line = (seq: number, text = `n${seq}`): Line => readLine({ seq: String(seq), text, time: String(seq * 1000), user_account: 'b', message_type: 'text' });

describe('timeline', () => {
  it('keeps lines in order, each once, the newest of the same seq', () => {
    const t = merge(merge(blank, [line(5), line(3)]), [line(4), line(5, 'new')]);
    expect(t.lines.map((l) => [l.seq, l.text])).toEqual([[3, 'n3'], [4, 'n4'], [5, 'new']]);
    expect(t.top).toBe(false);
    expect(merge(t, [line(1)]).top).toBe(true);
  });
  it('sees holes inside and at the end', () => {
    const t = merge(blank, [line(3), line(7)]);
    expect(firstHole(t, 9)).toEqual({ after_seq: 3, before_seq: 7 });
    const closed = merge(t, [line(4), line(5), line(6)]);
    expect(firstHole(closed, 9)).toEqual({ after_seq: 7, before_seq: 10 });
    expect(firstHole(closed, 7)).toBeUndefined();
    expect(firstHole(blank, 9)).toBeUndefined();
  });
  it('fills a hole in steps and gives up where the server has nothing', () => {
    let t = merge(blank, [line(1), line(6)]);
    const hole = { after_seq: 1, before_seq: 6 };
    t = filled(t, hole, [line(2), line(3), line(6, 'not this one')]);
    expect(t.lines.map((l) => l.text)).toEqual(['n1', 'n2', 'n3', 'n6']);
    const rest = firstHole(t, 6);
    expect(rest).toEqual({ after_seq: 3, before_seq: 6 });
    expect(firstHole(filled(t, rest ?? hole, [line(6)]), 6)).toBeUndefined();
  });
  it('tells days apart', () => {
    expect(dayOf(new Date(2026, 1, 3, 23, 59).getTime())).toBe(dayOf(new Date(2026, 1, 3, 0, 1).getTime()));
    expect(dayOf(new Date(2026, 1, 3).getTime())).not.toBe(dayOf(new Date(2026, 2, 3).getTime()));
  });
});

describe('conversation', () => {
  const c = readConversation({ conversation: '12', kind: 'pair', friends: 'b', last_seq: '5', read_seq: '3', time: '5000', author: 'b', last_type: 'text', text: 'hi' });
  it('knows a call that was missed, whoever gave up, and only by who was called', () => {
    for (const outcome of ['missed', 'cancelled']) expect([missedCall({ outcome }, 'b', 'a'), missedCall({ outcome }, 'a', 'a')]).toEqual([true, false]);
    for (const outcome of ['answered', 'refused']) expect(missedCall({ outcome }, 'b', 'a')).toBe(false);
    expect(withLine(c, readLine({ message_type: 'call_record', seq: '6', user_account: 'b', outcome: 'missed' }), 'a')).toMatchObject({ last_type: 'call_record', outcome: 'missed' });
  });
  it('counts what is unread', () => {
    expect(unread(c)).toBe(2);
    expect(unread(withLine(c, line(6), 'a'))).toBe(3);
    expect(unread(withLine(c, line(6), 'b'))).toBe(0);
  });
  it('does not go back for an old line', () => expect(withLine(c, line(4), 'a')).toBe(c));
  it('is listed latest first', () => {
    const g = readConversation({ conversation: '13', kind: 'group', group_id: '7', name: 'all', time: '9000' });
    expect(ordered([c, g]).map((x) => x.id)).toEqual(['7', 'b']);
  });
});

describe('markup', () => {
  it('takes a text with a file and an address apart', () => {
    expect(parts('你好 <file>%2B86101_1_a.png</file> https://example.org/a?b=1.')).toEqual([
      { kind: 'words', text: '你好 ' },
      { kind: 'file', name: '%2B86101_1_a.png' },
      { kind: 'words', text: ' ' },
      { kind: 'link', url: 'https://example.org/a?b=1' },
      { kind: 'words', text: '.' },
    ]);
  });
  it('shows what was typed, also <file>', () => {
    const typed = 'literally <file>a_1_b</file>';
    expect(parts(compose(typed, []))).toEqual([{ kind: 'words', text: typed }]);
    expect(compose('', ['a_1_b.png'])).toBe('<file>a_1_b.png</file>');
  });
  it('takes no name that would lead elsewhere', () => {
    expect(parts('<file>../session</file>').every((p) => p.kind === 'words')).toBe(true);
  });
  it('finds the name a file had', () => {
    expect(shownName('%2B86101_10012312312311_a%5Fb%20c.png')).toBe('a_b c.png');
    expect(shownName('a_1_%E4%BD.png')).toBe('%E4%BD.png');
  });
  it('writes sizes', () => expect([999, 1200, 15_300_000].map(byteCount)).toEqual(['999 B', '1.2 kB', '15 MB']));
});
