import type { Cause } from '../../call/diagnosis';
import { reopen } from '../../call/keep';
import { trouble } from '../../call/watch';
import { goConnection } from '../../chat/route';
import { nameOf } from '../../people/people';
import { t, type Params, type TextKey } from '../../text';
import { Icon } from '../Icon';
import { callShown } from './shown';

/** How many of those from whom nothing arrives are named. */
const namedAtMost = 3;

/** Why no media flows, and what to do about it. It goes by itself when media does. */
export function NoMedia() {
  const cause = trouble.value;
  if (!cause) return null;
  const [title, advice] = textsOf(cause);
  const params = paramsOf(cause);
  return (
    <div key={cause.name} class="no-media" role="alert" data-testid="no-media" data-cause={cause.name}>
      <Icon name="info" />
      <div>
        <h2>{t(title, params)}</h2>
        <p>{whole(t(advice, params))}</p>
        {(cause.name === 'own-muted' || cause.name === 'own-still') && (
          <button type="button" class="link" data-testid="reopen" onClick={() => void reopen(cause.source)}>{t(`reopen_${cause.source}`)}</button>
        )}
        <button type="button" class="link" data-testid="no-media-test" onClick={toTest}>{t('connection_test')}</button>
      </div>
    </div>
  );
}

/** The call goes on beside the test, or behind it. */
function toTest() {
  callShown.value = false;
  goConnection();
}

/** Flags and ports as somebody types them: in one piece, for a line that ends in “--” says nothing. */
const typed = /(--[a-z-]+(?: inside| auto| :3478)?|-p \S+\/udp|timedatectl set-ntp true|ufw allow \S+\/(?:udp|tcp)|(?:UDP|TCP) \d+)/;

/** A text in which what is typed is not broken. */
export function whole(text: string) {
  return text.split(typed).map((part, n) => (n % 2 ? <span key={n} class="whole">{part}</span> : part));
}

function textsOf(cause: Cause): [TextKey, TextKey] {
  if (cause.name === 'own-muted' || cause.name === 'own-still') {
    const key = `trouble_${cause.name}_${cause.source}` as const;
    return [key, `${key}_do`];
  }
  const key = `trouble_${cause.name}` as const;
  return [key, `${key}_do`];
}

function paramsOf(cause: Cause): Params {
  if (cause.name !== 'others') return { ...cause };
  const names = cause.accounts.slice(0, namedAtMost).map(nameOf);
  return { who: names.join(t('list_separator')) + (cause.accounts.length > namedAtMost ? '…' : '') };
}
