import { describe, expect, it } from 'vitest';
import type { Message } from '../wire/codec';
import { readCell, readIncoming, withPush, type Participants } from './state';

const after = (...pushes: Message[]): Participants => pushes.reduce<Participants>(withPush, new Map());
const b = { participant: '2', user_account: 'b' };

describe('participants', () => {
  it('come and go', () => {
    expect([...after({ message_type: 'join', ...b }).values()]).toEqual([{ ...b, tracks: {} }]);
    expect(after({ message_type: 'join', ...b }, { message_type: 'leave', participant: '2' }).size).toBe(0);
  });
  it('keep their tracks when join is pushed again', () => {
    const p = after({ message_type: 'join', ...b }, { message_type: 'track', ...b, source: 'camera', muted: 'no', mid: '3' }, { message_type: 'join', ...b });
    expect(p.get('2')?.tracks).toEqual({ camera: { source: 'camera', mid: '3', muted: false } });
  });
  it('are known by a track that comes before their join', () => {
    expect(after({ message_type: 'track', ...b, source: 'microphone', muted: 'yes' }).get('2')).toEqual({
      ...b,
      tracks: { microphone: { source: 'microphone', mid: '', muted: true } },
    });
  });
  it('end a track without losing the others', () => {
    const p = after(
      { message_type: 'track', ...b, source: 'camera', mid: '3' },
      { message_type: 'track', ...b, source: 'screen', mid: '4' },
      { message_type: 'track', type: 'DELETE', participant: '2', source: 'camera', mid: '3' },
    );
    expect(Object.keys(p.get('2')?.tracks ?? {})).toEqual(['screen']);
  });
  it('ignore the end of a track of somebody who left, and sources nobody knows', () => {
    expect(after({ message_type: 'track', type: 'DELETE', participant: '9', source: 'camera' }).size).toBe(0);
    expect(after({ message_type: 'track', ...b, source: 'smell' }).size).toBe(0);
  });
});

describe('cells', () => {
  it('are read under both names of the key', () => {
    expect(readIncoming({ message_type: 'videocall', user_account: 'a', cell_key: 'k' })).toMatchObject({ kind: 'videocall', cell_key: 'k' });
    expect(readCell({ connection_key: 'k', call: 'call', user_account: 'a', friends: 'b', participants: '3', joined: 'a,b', guests: '1' })).toEqual({
      connection_key: 'k', kind: 'call', target: { kind: 'pair', id: 'b' }, participants: 3, joined: ['a', 'b'], guests: 1, user_account: 'a',
    });
    expect(readCell({ connection_key: 'k', user_account: 'c', friends: 'b,c' }).target.id).toBe('c');
    expect(readCell({ connection_key: 'k', user_account: 'me', friends: 'b,c' }).target.id).toBe('b');
    expect(readCell({ connection_key: 'k', user_account: 'c', group_id: 'g' }).target).toEqual({ kind: 'group', id: 'g' });
  });
});
