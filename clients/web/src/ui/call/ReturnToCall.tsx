import { active, outgoing } from '../../call/state';
import { targetName } from '../../chat/author';
import { t } from '../../text';
import { callShown } from './shown';

/** The way back to the call one is in, where there is no room to show it beside. */
export function ReturnToCall() {
  const call = active.value;
  if (!call || outgoing.value) return null;
  const name = targetName(call.target);
  return (
    <div class="banner to-call">
      <span class="ellipsis">{t('call_with', { name })}</span>
      <button type="button" class="primary" data-testid="to-call" onClick={() => (callShown.value = true)}>
        {t('to_call')}
      </button>
    </div>
  );
}
