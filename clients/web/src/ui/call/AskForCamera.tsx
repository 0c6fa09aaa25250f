import { signal } from '@preact/signals';
import { toggleCamera } from '../../call/active';
import { camera } from '../../call/local';
import { soundOnly, type Active } from '../../call/state';
import { nameOf } from '../../people/people';
import { t } from '../../text';

/** The call in which one said no. */
const declined = signal('');

/** Somebody in a voice call shows themselves: one may do the same, and need not. */
export function AskForCamera({ call }: { call: Active }) {
  const shows = [...call.participants.values()].find(({ tracks }) => tracks.camera && !tracks.camera.muted);
  if (call.kind !== 'call' || !shows || camera.value || soundOnly.value || declined.value === call.connection_key) return null;
  const no = () => (declined.value = call.connection_key);
  return (
    <div class="ask" role="status" data-testid="ask-camera">
      <span>{t('shows_camera', { who: nameOf(shows.user_account) })}</span>
      <button type="button" data-testid="ask-no" onClick={no}>{t('not_now')}</button>
      <button type="button" class="primary" data-testid="ask-yes" onClick={() => void toggleCamera()}>{t('camera_on')}</button>
    </div>
  );
}
