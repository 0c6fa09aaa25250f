import { block, blocked } from '../../people/friends';
import { changeOwn, nameOf, own } from '../../people/people';
import { t, type TextKey } from '../../text';
import { PersonAvatar } from '../Avatar';
import { notifyFailure } from '../notice';
import { Section } from './Section';

const choices: Record<string, TextKey> = { everyone: 'everyone', friends: 'friends_only', nobody: 'nobody' };

/** Who may write, who sees whether one is here, and who is blocked. */
export function Privacy() {
  return (
    <Section title="privacy">
      <Choice name="messages_from" values={['everyone', 'friends']} />
      <Choice name="presence_to" values={['everyone', 'friends', 'nobody']} />
      <h3>{t('blocked_people')}</h3>
      {blocked.value.size === 0 && <p class="muted">{t('blocked_none')}</p>}
      <ul class="members">
        {[...blocked.value].map((account) => (
          <li key={account} data-testid="blocked" data-user={account}>
            <PersonAvatar account={account} />
            <span class="ellipsis" data-ellipsis>{nameOf(account)}</span>
            <button type="button" data-testid="unblock" onClick={() => block(account, false).catch(notifyFailure)}>{t('unblock')}</button>
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Choice({ name, values }: { name: 'messages_from' | 'presence_to'; values: readonly string[] }) {
  return (
    <label>
      <span>{t(name)}</span>
      <select data-testid={`privacy-${name}`} value={own.value[name] ?? 'everyone'} onChange={(e) => changeOwn({ [name]: e.currentTarget.value }).catch(notifyFailure)}>
        {values.map((value) => (
          <option key={value} value={value}>
            {t(choices[value] ?? 'everyone')}
          </option>
        ))}
      </select>
    </label>
  );
}
