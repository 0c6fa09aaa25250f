import { useEffect, useState } from 'preact/hooks';
import { presentIn, type DeviceKind } from '../../call/devicelist';
import { choice, choose, devices, refreshDevices } from '../../call/devices';
import { microphone } from '../../call/local';
import { meter } from '../../call/meter';
import { canChooseSpeaker, playTestSound } from '../../call/speaker';
import { t } from '../../text';
import { Icon } from '../Icon';
import { notify } from '../notice';

/** Which devices to use, how loud one is, and whether one hears. */
export function DeviceFields() {
  useEffect(() => void refreshDevices(), []);
  return (
    <div class="device-fields">
      <DeviceChoice kind="microphone" />
      <Meter />
      <label class="switch">
        <input type="checkbox" data-testid="noise" checked={choice.value.noise} onChange={(e) => choose({ noise: e.currentTarget.checked })} />
        <span>{t('noise_suppression')}</span>
      </label>
      <DeviceChoice kind="camera" />
      {canChooseSpeaker && <DeviceChoice kind="speaker" />}
      <TestSound />
    </div>
  );
}

function DeviceChoice({ kind }: { kind: DeviceKind }) {
  const list = devices.value.filter((d) => d.kind === kind);
  return (
    <label>
      <span>{t(`device_${kind}`)}</span>
      <select data-testid={`choose-${kind}`} value={presentIn(list, kind, choice.value)} onChange={(e) => choose({ [kind]: e.currentTarget.value })}>
        <option value="">{t('device_default')}</option>
        {list.map((d) => (
          <option key={d.id} value={d.id}>
            {d.label}
          </option>
        ))}
      </select>
    </label>
  );
}

/** How loud the microphone is. */
export function Meter() {
  const track = microphone.value;
  const [level, setLevel] = useState(0);
  useEffect(() => {
    setLevel(0);
    return track ? meter(track, setLevel) : undefined;
  }, [track]);
  return (
    <div class="meter" role="meter" aria-label={t('microphone_level')} aria-valuemin={0} aria-valuemax={100} aria-valuenow={level} data-testid="microphone-level">
      <i style={{ width: `${level}%` }} />
    </div>
  );
}

function TestSound() {
  const [sounding, setSounding] = useState(false);
  const play = async () => {
    setSounding(true);
    try {
      await playTestSound();
    } catch {
      notify('dev_no_sound');
    }
    setSounding(false);
  };
  return (
    <button type="button" data-testid="test-sound" class="test-sound" disabled={sounding} onClick={() => void play()}>
      <Icon name="sound" />
      <span>{t('test_sound')}</span>
    </button>
  );
}
