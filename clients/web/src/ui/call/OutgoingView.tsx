import { cancel } from '../../call/ringing';
import { camera } from '../../call/local';
import type { Outgoing } from '../../call/state';
import { targetName } from '../../chat/author';
import { t } from '../../text';
import { TargetAvatar } from '../Avatar';
import { Dialog } from '../Dialog';
import { Icon } from '../Icon';
import { Video } from './Video';

/** The call one has placed, until somebody answers. */
export function OutgoingView({ call }: { call: Outgoing }) {
  const name = targetName(call.target);
  return (
    <Dialog title={t('calling', { who: name })} testid="outgoing" class="incoming" plain onClose={() => void cancel()}>
      <div class="caller">
        <div class="preview">
          <TargetAvatar target={call.target} name={name} large />
          {camera.value && <Video track={camera.value} mirrored label={t('you')} />}
        </div>
        <p class="muted" role="status">{t('ringing')}</p>
      </div>
      <div class="answers">
        <button type="button" class="answer refuse" data-testid="cancel-call" autofocus onClick={() => void cancel()}>
          <Icon name="hangUp" />
          <span>{t('cancel_call')}</span>
        </button>
      </div>
    </Dialog>
  );
}
