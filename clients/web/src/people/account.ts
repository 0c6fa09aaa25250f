// One's own account: its devices, its password, how much it stores, and its end.
import { request } from '../session/session';

/** A device that is logged in. */
export interface Device {
  /** '' is the plain device of clients that name none. */
  device: string;
  /** A public id of its session. */
  session: string;
  create_time: number;
  last_seen: number;
  online: boolean;
  /** This one. */
  current: boolean;
}

/** Lists one's devices, this one first, then the latest. Rejects with a Failure. */
export async function fetchDevices(): Promise<Device[]> {
  const { items } = await request({ message_type: 'device', type: 'GET' });
  return items
    .map((m) => ({
      device: m.device ?? '',
      session: m.session ?? '',
      create_time: Number(m.create_time ?? 0),
      last_seen: Number(m.last_seen ?? 0),
      online: m.online === 'yes',
      current: m.current === 'yes',
    }))
    .sort((a, b) => Number(b.current) - Number(a.current) || Number(b.online) - Number(a.online) || b.last_seen - a.last_seen);
}

/** Logs a device out. Rejects with a Failure. */
export async function revoke(session: string): Promise<void> {
  await request({ message_type: 'device', type: 'DELETE', session });
}

/** How much one stores, bytes. */
export interface Usage {
  bytes_used: number;
  /** 0: as much as there is room. */
  bytes_allowed: number;
  operator: boolean;
}

/** Asks how much one stores. Rejects with a Failure. */
export async function fetchUsage(): Promise<Usage> {
  const { head } = await request({ message_type: 'account', type: 'GET' });
  return { bytes_used: Number(head.bytes_used ?? 0), bytes_allowed: Number(head.bytes_allowed ?? 0), operator: head.operator === 'yes' };
}

/** Deletes the account for good. Rejects with a Failure: 404 is a wrong password. */
export async function deleteAccount(user_password: string): Promise<void> {
  await request({ message_type: 'account', type: 'DELETE', user_password });
}
