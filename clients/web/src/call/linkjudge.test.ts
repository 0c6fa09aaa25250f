import { describe, expect, it } from 'vitest';
import { agreeing, judge, steady, type Links, type Mark, type Steady } from './linkjudge';

const fine = (participant: string) => ({ participant, lost: 0.01, concealed: 0, frozen: 0 });
const broken = (participant: string) => ({ ...fine(participant), lost: 0.1 });
const calm: Links = { own: { lost: 0, roundTrip: 40, limited: 'none' }, pictures: 'full', cause: 'delay', others: [fine('1'), fine('2')] };

const marks = (change: Partial<Links>) => Object.fromEntries([...judge({ ...calm, ...change })].map(([id, { level, cause }]) => [id || 'own', cause ? `${level} ${cause}` : level]));

describe('how people come through', () => {
  it('is good when nothing is wrong', () => expect(marks({})).toEqual({ own: 'good', 1: 'good', 2: 'good' }));

  it('is bad of one when the others come through: the way from them', () => {
    expect(marks({ others: [broken('1'), fine('2')] })).toEqual({ own: 'good', 1: 'fair their-uplink', 2: 'good' });
    expect(marks({ others: [broken('1')] })).toMatchObject({ 1: 'fair their-uplink' });
  });
  it('is bad of everybody when the server finds the way to here bad', () => {
    const others = [broken('1'), { ...fine('2'), frozen: 0.5 }];
    expect(marks({ others, pictures: 'reduced' })).toEqual({ own: 'fair down-slow', 1: 'fair down-slow', 2: 'poor down-slow' });
    expect(marks({ others, pictures: 'none', cause: 'loss' })).toEqual({ own: 'poor down-loss', 1: 'fair down-loss', 2: 'poor down-loss' });
  });
  it('is the server’s doing when nobody comes through and all ways from here are good', () => {
    expect(marks({ others: [broken('1'), broken('2')] })).toEqual({ own: 'good', 1: 'fair server', 2: 'fair server' });
    expect(marks({ others: [broken('1'), broken('2')], own: { ...calm.own, lost: 0.2 } })).toMatchObject({ own: 'poor own-loss', 1: 'fair down-loss' });
  });
  it('of oneself names what is wrong on the way up', () => {
    const own = (change: Partial<Links['own']>) => marks({ own: { ...calm.own, ...change } }).own;
    expect(own({ lost: 0.08 })).toBe('fair own-loss');
    expect(own({ lost: 0.3, roundTrip: 900 })).toBe('poor own-loss');
    expect(own({ roundTrip: 400 })).toBe('fair own-far');
    expect(own({ roundTrip: 900 })).toBe('poor own-far');
    expect(own({ limited: 'bandwidth' })).toBe('fair own-slow');
    expect(own({ limited: 'cpu' })).toBe('fair own-device');
    expect(own({ limited: 'other' })).toBe('good');
  });
  it('is told by what one hears, too', () => {
    expect(marks({ others: [{ ...fine('1'), concealed: 0.1 }, fine('2')] })).toMatchObject({ 1: 'fair their-uplink' });
  });
});

describe('a mark', () => {
  const bad: Mark = { level: 'poor', cause: 'their-uplink' };
  const fineMark: Mark = { level: 'good', cause: undefined };
  const after = (looks: Mark[]) => looks.reduce<Steady | undefined>(steady, undefined)?.mark.level;
  it('changes when several looks agree', () => {
    expect(after(Array<Mark>(agreeing - 1).fill(bad))).toBe('good');
    expect(after(Array<Mark>(agreeing).fill(bad))).toBe('poor');
  });
  it('does not flicker', () => {
    expect(after([bad, bad, fineMark, bad, bad, fineMark])).toBe('good');
    expect(after([bad, bad, bad, fineMark, fineMark, bad])).toBe('poor');
  });
});
