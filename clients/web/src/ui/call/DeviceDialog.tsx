import { t } from '../../text';
import { Dialog } from '../Dialog';
import { DeviceFields } from './DeviceFields';
import { devicesShown } from './shown';

/** Choosing devices during a call. */
export function DeviceDialog() {
  if (!devicesShown.value) return null;
  const close = () => (devicesShown.value = false);
  return (
    <Dialog title={t('devices_title')} testid="device-dialog" onClose={close}>
      <DeviceFields />
    </Dialog>
  );
}
