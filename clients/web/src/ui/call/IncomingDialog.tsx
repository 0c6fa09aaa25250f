import { accept, hide, refuse } from '../../call/ringing';
import type { Incoming } from '../../call/state';
import { conversations } from '../../chat/store';
import { keyOf } from '../../chat/line';
import { t } from '../../text';
import { nameOf } from '../../people/people';
import { PersonAvatar } from '../Avatar';
import { Dialog } from '../Dialog';
import { Icon } from '../Icon';

/** Somebody calls. Escape lets it ring on elsewhere; the call can then still be joined from its conversation. */
export function IncomingDialog({ call }: { call: Incoming }) {
  const video = call.kind === 'videocall';
  const group = call.group_id ? conversations.value.get(keyOf({ kind: 'group', id: call.group_id })) : undefined;
  return (
    <Dialog title={t(video ? 'incoming_videocall' : 'incoming_call', { who: nameOf(call.user_account) })} testid="incoming" class="incoming" plain onClose={() => hide(call)}>
      <div class="caller">
        <PersonAvatar account={call.user_account} large />
        {call.group_id && <p class="muted">{t('in_group', { name: group?.name ?? call.group_id })}</p>}
      </div>
      <div class="answers">
        <button type="button" class="answer refuse" data-testid="incoming-refuse" onClick={() => void refuse(call)}>
          <Icon name="hangUp" />
          <span>{t('refuse')}</span>
        </button>
        {video && (
          <button type="button" class="answer accept" data-testid="incoming-accept-voice" onClick={() => void accept(call, false)}>
            <Icon name="phone" />
            <span>{t('accept_voice')}</span>
          </button>
        )}
        {/* The likeliest answer has the focus: Enter accepts. */}
        <button type="button" class="answer accept" data-testid="incoming-accept" autofocus onClick={() => void accept(call, video)}>
          <Icon name={video ? 'camera' : 'phone'} />
          <span>{t(video ? 'accept_video' : 'accept')}</span>
        </button>
      </div>
    </Dialog>
  );
}
