import { describe, expect, it } from 'vitest';
import { follow, nobody, turn, type Place } from './calm';

const all = () => true;

/** Who has the place after each of these moments, ms, at which these speak. */
function over(moments: [number, string[]][], present: (id: string) => boolean = all): string[] {
  let place: Place = nobody;
  return moments.map(([now, speakers]) => {
    place = follow(place, speakers, present, now);
    return place.id;
  });
}

describe('the large place', () => {
  it('is at once that of the first who speaks', () => {
    expect(over([[0, []], [10, ['a', 'b']]])).toEqual(['', 'a']);
  });
  it('stays while nobody speaks', () => {
    expect(over([[0, ['a']], [9000, []], [99_000, []]])).toEqual(['a', 'a', 'a']);
  });
  it('changes only after somebody else has spoken for a while', () => {
    expect(over([[0, ['a']], [5000, ['b', 'a']], [5500, ['b']], [5700, ['b']]])).toEqual(['a', 'a', 'a', 'b']);
  });
  it('does not change for a cough', () => {
    expect(over([[0, ['a']], [5000, ['b']], [5400, ['a']], [5900, ['b']], [6100, ['b']]])).toEqual(['a', 'a', 'a', 'a', 'a']);
  });
  it('is kept for a while by whoever got it', () => {
    expect(over([[0, ['a']], [100, ['b']], [1000, ['b']], [2400, ['b']], [2500, ['b']]])).toEqual(['a', 'a', 'a', 'a', 'b']);
  });
  it('is free when its owner leaves', () => {
    expect(over([[0, ['a']], [10, ['a', 'b']]])).toEqual(['a', 'a']);
    const left = follow({ ...nobody, id: 'a' }, ['b'], (id) => id !== 'a', 20);
    expect(left.id).toBe('b');
    expect(follow({ ...nobody, id: 'a' }, [], (id) => id !== 'a', 20).id).toBe('');
  });
  it('tells when it is time to look again', () => {
    expect(turn(nobody)).toBe(Infinity);
    const waiting = follow({ ...nobody, id: 'a', since: 0 }, ['b'], all, 100);
    expect(turn(waiting)).toBe(2500);
    expect(turn(follow({ ...nobody, id: 'a', since: 0 }, ['b'], all, 9000))).toBe(9700);
  });
});
