import { describe, expect, it } from 'vitest';
import { afterLoss, afterPage, afterPush, start } from './cursor';
import { mentions, readConversation, readLine, seqOf, unread, withLine, withRead, type Line } from './line';
import { decompose, compose, mentionAt, mentionsIn, parts, summary } from './markup';
import { isReaction, readReactions, summed, withMine } from './reactions';
import { dayStart, snippet } from './snippet';
import { blank, firstHole, merge, withChanged, withEdit, withoutContent, withPushed } from './timeline';
import { progressOf, readersOf, withReceipt, type Receipt } from './watermarks';

const line = (seq: number, more: Record<string, string> = {}): Line =>
  readLine({ seq: String(seq), message_id: `12-${seq}`, text: `n${seq}`, time: String(seq * 1000), user_account: 'b', message_type: 'text', ...more });

describe('a line that changes', () => {
  const t = merge(blank, [line(1), line(2, { reactions: '👍 2', my_reactions: '👍' }), line(3)]);
  it('shows what it was edited to, and not an older edit', () => {
    const second = withChanged(t, 2, (l) => withEdit(l, { text: 'later', edited: '9', mentions: 'c' }));
    const late = withChanged(second, 2, (l) => withEdit(l, { text: 'earlier', edited: '8' }));
    expect(late.lines[1]).toMatchObject({ text: 'later', edited: 9, mentions: ['c'], reactions: [{ reaction: '👍', count: 2, mine: true }] });
  });
  it('keeps its place when it is deleted, and is not edited any more', () => {
    const gone = withChanged(t, 2, (l) => withoutContent(l, false));
    expect(gone.lines.map((l) => [l.seq, l.message_type, l.text])).toEqual([[1, 'text', 'n1'], [2, 'deleted', ''], [3, 'text', 'n3']]);
    expect(withEdit(gone.lines[1] ?? line(2), { text: 'x', edited: '99' }).text).toBe('');
    expect(firstHole(gone, 3)).toBeUndefined();
  });
  it('stays hidden once it was deleted for me', () => {
    const hidden = withoutContent(line(2), true);
    expect(withoutContent(hidden, false).hidden).toBe(true);
    expect(readLine({ seq: '2', message_type: 'deleted', for: 'me' }).hidden).toBe(true);
  });
  it('is left alone where it is not known', () => expect(withChanged(t, 9, () => line(9))).toBe(t));
});

describe('a stretch of the past', () => {
  const past = { ...merge(blank, [line(10), line(11)]), live: false };
  it('does not take what comes at the end, nor calls it a hole', () => {
    expect(withPushed(past, line(99))).toBe(past);
    expect(firstHole(past, 99)).toBeUndefined();
    expect(firstHole({ ...past, live: true }, 99)).toEqual({ after_seq: 11, before_seq: 100 });
  });
  it('takes a line that belongs into it', () => expect(withPushed(past, line(11, { text: 'new' })).lines[1]?.text).toBe('new'));
});

describe('the cursor of changes', () => {
  it('does not pass what is missing while pages are', () => {
    let c = afterPage(start, 40, false);
    c = afterPush(afterPush(c, 41), 45);
    expect(c.at).toBe(45);
    c = afterPush(afterLoss(c), 60);
    expect(c.at).toBe(45);
    c = afterPage(c, 50, true);
    expect(c.at).toBe(50);
    expect(afterPage(c, 58, false)).toEqual({ at: 60, level: true, ahead: 0 });
  });
  it('never falls, and forgets pushes of a lost connection', () => {
    const c = afterLoss(afterPush(afterLoss(afterPage(start, 40, false)), 90));
    expect(afterPage(c, 30, false).at).toBe(40);
    expect(afterPush(c, NaN)).toBe(c);
  });
});

describe('reactions', () => {
  it('are read with mine', () => {
    expect(readReactions('👍 3, ❤ 1', '❤')).toEqual([{ reaction: '👍', count: 3, mine: false }, { reaction: '❤', count: 1, mine: true }]);
    expect(readReactions()).toEqual([]);
  });
  it('are added and taken back once', () => {
    const one = withMine([], '👍', true);
    expect(withMine(one, '👍', true)).toBe(one);
    expect(withMine(one, '👍', false)).toEqual([]);
    expect(withMine(readReactions('👍 3'), '👍', true)).toEqual([{ reaction: '👍', count: 4, mine: true }]);
  });
  it('are added up', () => {
    const items = [['a', '❤'], ['b', '👍'], ['c', '👍']].map(([user_account = '', reaction = '']) => ({ user_account, reaction }));
    expect(summed(items, 'c')).toEqual([{ reaction: '👍', count: 2, mine: true }, { reaction: '❤', count: 1, mine: false }]);
  });
  it.each([['👍', true], ['ok', true], ['', false], ['a b', false], ['a,b', false], ['👍'.repeat(9), false]])('%j: %s', (typed, good) => expect(isReaction(typed)).toBe(good));
});

describe('watermarks', () => {
  const others = new Map<string, Receipt>([['b', { read_seq: 5, delivered_seq: 7 }], ['c', { read_seq: 3, delivered_seq: 6 }]]);
  it('say how far the slowest is', () => {
    expect([3, 5, 6, 7].map((seq) => progressOf(seq, others.values()))).toEqual(['read', 'delivered', 'delivered', 'sent']);
    expect(progressOf(1, [])).toBe('sent');
    expect(readersOf(4, others)).toEqual(['b']);
  });
  it('never fall, and having read is having received', () => {
    expect(withReceipt({ read_seq: 5, delivered_seq: 7 }, { read_seq: '4' })).toEqual({ read_seq: 5, delivered_seq: 7 });
    expect(withReceipt(undefined, { read_seq: '9' })).toEqual({ read_seq: 9, delivered_seq: 9 });
  });
});

describe('mentions', () => {
  const accounts = ['ann', 'ann.b', 'ben'];
  it('are found by account, the longest first, and before a full stop', () => {
    expect(mentionsIn('hi @ann.b and @ben, not @cleo, not ann', accounts)).toEqual(['ann.b', 'ben']);
    expect(mentionsIn('ask @ann.', accounts)).toEqual(['ann']);
    expect(mentionsIn('@all @ben', accounts)).toEqual(['all']);
    expect(mentionsIn('@annette', accounts)).toEqual([]);
  });
  it('are shown where they stand', () => {
    expect(parts('hi @ann. @ben', ['ann'])).toEqual([{ kind: 'words', text: 'hi ' }, { kind: 'mention', account: 'ann' }, { kind: 'words', text: '. @ben' }]);
    expect(summary('hi @ann', 'File')).toBe('hi @ann');
  });
  it('are completed while one types', () => {
    expect(mentionAt('hi @be', 6)).toEqual({ from: 4, word: 'be' });
    expect(mentionAt('你好，@本', 5)).toEqual({ from: 4, word: '本' });
    expect(mentionAt('a@be', 4)).toBeUndefined();
    expect(mentionAt('@be and', 7)).toBeUndefined();
  });
  it('count as long as they are unread', () => {
    const c = readConversation({ conversation: '12', group_id: '7', last_seq: '5', read_seq: '5' });
    const after = withLine(withLine(c, line(6, { mentions: 'a' }), 'a'), line(7, { mentions: 'all' }), 'a');
    expect([after.mentioned, unread(after)]).toEqual([2, 2]);
    expect(withRead(after, 6).mentioned).toBe(2);
    expect(withRead(after, 7)).toMatchObject({ mentioned: 0, read_seq: 7 });
    expect(mentions(line(8, { mentions: 'all' }), 'b')).toBe(false);
  });
});

describe('a text that is edited', () => {
  it('keeps its files', () => {
    const text = compose('see <file>', ['a_1_x.png', 'a_2_y.txt']);
    expect(decompose(text)).toEqual({ typed: 'see <file>', names: ['a_1_x.png', 'a_2_y.txt'] });
  });
  it('has its place in its name', () => expect([seqOf('12-7'), seqOf('')]).toEqual([7, 0]));
});

describe('search', () => {
  it('marks the words and shows them in their place', () => {
    expect(snippet('Green TEA, please', 'tea please')).toEqual(['Green ', 'TEA', ', ', 'please', '']);
    expect(snippet('我们喝茶吧', '茶')).toEqual(['我们喝', '茶', '吧']);
    const far = snippet(`${'word '.repeat(40)}tea`, 'tea');
    expect(far[0]).toMatch(/^…word/);
    expect(far[1]).toBe('tea');
    expect(snippet('a (b', '(b')).toEqual(['a ', '(b', '']);
  });
  it('takes whole local days', () => {
    expect(dayStart('2026-03-04', 0)).toBe(new Date(2026, 2, 4).getTime());
    expect(dayStart('2026-03-04', 1)).toBe(new Date(2026, 2, 5).getTime() - 1);
    expect(dayStart('', 0)).toBeUndefined();
  });
});
