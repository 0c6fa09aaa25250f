import { describe, expect, it } from 'vitest';
import type { Participants } from '../../call/state';
import { statusOf, type StateOfCall } from './status';

const other = (muted: boolean): Participants => new Map([['2', { participant: '2', user_account: 'b', tracks: { camera: { source: 'camera', mid: '1', muted } } }]]);
const well: StateOfCall = { call: { phase: 'in', met: true, participants: other(true) }, online: true, connected: true, camera: false };
const status = (change: Partial<StateOfCall>, call: Partial<StateOfCall['call']> = {}) => statusOf({ ...well, ...change, call: { ...well.call, ...call } });

describe('the state of a call', () => {
  it('is a video call while anybody shows a picture', () => {
    expect([status({}), status({ camera: true }), status({}, { participants: other(false) })]).toEqual(['call_voice', 'call_video', 'call_video']);
  });
  it('rings until somebody comes, and waits when they have left', () => {
    expect([status({}, { met: false, participants: new Map() }), status({}, { participants: new Map() })]).toEqual(['ringing', 'waiting_for_others']);
  });
  it('names what is being tried', () => {
    expect(status({ online: false, connected: false }, { phase: 'rerouting' })).toBe('state_offline');
    expect(status({}, { phase: 'healing' })).toBe('state_healing');
    expect(status({ connected: false }, { phase: 'rerouting' })).toBe('state_rerouting');
    expect(status({ connected: false })).toBe('state_server');
    expect(status({}, { phase: 'joining' })).toBe('state_rejoining');
    expect(status({}, { phase: 'joining', met: false })).toBe('joining');
  });
});
