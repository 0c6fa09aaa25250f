import { leaveCall, toggleMicrophone } from '../../call/active';
import { microphoneOn } from '../../call/local';
import { active } from '../../call/state';
import { targetName } from '../../chat/author';
import { nameOf } from '../../people/people';
import { t } from '../../text';
import { PersonAvatar } from '../Avatar';
import { Icon } from '../Icon';
import { spotlight } from './spotlight';
import { Video } from './Video';

/** The call in a small window: who is pinned, the screen, or who speaks. */
export function PipView() {
  const call = active.value;
  if (!call) return null;
  const { tile: large, track } = spotlight.value ?? {};
  const name = large ? nameOf(large.user_account) : targetName(call.target);
  const mic = microphoneOn.value;
  return (
    <main class="pip call" data-testid="pip" aria-label={t('pip')}>
      <figure class={`tile ${large?.source ?? 'none'}`}>
        {large && <PersonAvatar account={large.user_account} large />}
        {large && track && large.source !== 'none' && (
          <Video key={track.id} track={track} label={name} whole={large.source === 'screen'} of={{ participant: large.participant, source: large.source }} />
        )}
        <figcaption>
          <span class="ellipsis">{name}</span>
        </figcaption>
      </figure>
      <div class="controls">
        <button type="button" class={mic ? 'control' : 'control off'} aria-label={t(mic ? 'mute' : 'unmute')} onClick={() => void toggleMicrophone()}>
          <Icon name={mic ? 'microphone' : 'microphoneOff'} />
        </button>
        <button type="button" class="control danger" aria-label={t('leave_call')} onClick={() => void leaveCall()}>
          <Icon name="hangUp" />
        </button>
      </div>
    </main>
  );
}
