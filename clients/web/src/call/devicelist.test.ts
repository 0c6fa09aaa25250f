import { describe, expect, it } from 'vitest';
import { goneFrom, listOf, presentIn, readChoice, unchosen } from './devicelist';

const infos = [
  { kind: 'audioinput', deviceId: 'default', label: 'Default - Headset' },
  { kind: 'audioinput', deviceId: 'm1', label: 'Headset' },
  { kind: 'audioinput', deviceId: 'm2', label: 'Built in' },
  { kind: 'videoinput', deviceId: '', label: '' },
  { kind: 'audiooutput', deviceId: 'communications', label: 'Communications - Headset' },
  { kind: 'audiooutput', deviceId: 's1', label: 'Headset' },
] as const;

describe('devices', () => {
  it('are listed once each, and only when they have a name', () => {
    expect(listOf(infos)).toEqual([
      { kind: 'microphone', id: 'm1', label: 'Headset' },
      { kind: 'microphone', id: 'm2', label: 'Built in' },
      { kind: 'speaker', id: 's1', label: 'Headset' },
    ]);
  });
  it('that were chosen count while they are there', () => {
    const list = listOf(infos);
    expect(presentIn(list, 'microphone', { ...unchosen, microphone: 'm2' })).toBe('m2');
    expect(presentIn(list, 'microphone', { ...unchosen, microphone: 's1' })).toBe('');
    expect(presentIn(list, 'camera', unchosen)).toBe('');
  });
  it('that were chosen and unplugged are told', () => {
    const list = listOf(infos);
    const after = list.filter(({ id }) => id === 'm2');
    expect(goneFrom(list, after, { ...unchosen, microphone: 'm1', speaker: 's1' }).map(({ kind }) => kind)).toEqual(['microphone', 'speaker']);
    expect(goneFrom(list, after, unchosen)).toEqual([]);
  });
});

describe('a kept choice', () => {
  it('is read', () => expect(readChoice('{"microphone":"m1","noise":false}')).toEqual({ ...unchosen, microphone: 'm1', noise: false }));
  it.each([null, '', '{', 'null', '[]', '{"camera":7}'])('is none where it says %j', (kept) => expect(readChoice(kept)).toEqual(unchosen));
});
