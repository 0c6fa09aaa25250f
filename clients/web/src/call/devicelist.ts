// The devices of this computer, as one chooses among them. Pure: devices.ts asks the browser.

/** What one chooses. */
export type DeviceKind = 'microphone' | 'camera' | 'speaker';

/** A device one can choose. */
export interface Device {
  kind: DeviceKind;
  id: string;
  label: string;
}

/** What was chosen; '' is what the system would take. */
export interface Choice {
  microphone: string;
  camera: string;
  speaker: string;
  /** Noise around is filtered out. */
  noise: boolean;
}

/** Before anything was chosen. */
export const unchosen: Choice = { microphone: '', camera: '', speaker: '', noise: true };

const kinds: Record<string, DeviceKind> = { audioinput: 'microphone', videoinput: 'camera', audiooutput: 'speaker' };

/** What Chromium lists besides the devices: the one the system would take, under other names. */
const aliases = ['default', 'communications'];

/** The devices in what the browser lists. Those it does not name yet, as nobody allowed them, are left out. */
export function listOf(infos: readonly Pick<MediaDeviceInfo, 'kind' | 'deviceId' | 'label'>[]): Device[] {
  return infos.flatMap(({ kind, deviceId: id, label }) => {
    const known = kinds[kind];
    return known && id && label && !aliases.includes(id) ? [{ kind: known, id, label }] : [];
  });
}

/** The id of the chosen device if it is there, else ''. */
export function presentIn(list: readonly Device[], kind: DeviceKind, choice: Choice): string {
  return list.some((d) => d.kind === kind && d.id === choice[kind]) ? choice[kind] : '';
}

/** Those chosen devices that were there before and are no more. */
export function goneFrom(before: readonly Device[], after: readonly Device[], choice: Choice): Device[] {
  return before.filter((d) => d.id === choice[d.kind] && !after.some((other) => other.kind === d.kind && other.id === d.id));
}

/** Reads what was kept of a choice; whatever is not understood is as if unchosen. */
export function readChoice(kept: string | null): Choice {
  try {
    const read = JSON.parse(kept ?? '{}') as Partial<Record<keyof Choice, unknown>>;
    const text = (value: unknown) => (typeof value === 'string' ? value : '');
    return { microphone: text(read.microphone), camera: text(read.camera), speaker: text(read.speaker), noise: read.noise !== false };
  } catch {
    return unchosen;
  }
}
