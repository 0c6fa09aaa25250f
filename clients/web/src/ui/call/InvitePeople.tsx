import { useState } from 'preact/hooks';
import { ringInto } from '../../call/people';
import type { Active } from '../../call/state';
import { accounts } from '../../chat/accounts';
import { members } from '../../chat/groups';
import { friends } from '../../people/friends';
import { nameOf } from '../../people/people';
import { me } from '../../session/session';
import { t } from '../../text';
import { PersonAvatar } from '../Avatar';
import { Fault } from '../chat/NewGroupDialog';
import { explain, notify } from '../notice';

/** So many people are offered; others are typed. */
const offered = 30;

/** Rings more people into the call: friends, members of its group, or whoever's account is typed. */
export function InvitePeople({ call }: { call: Active }) {
  const [typed, setTyped] = useState('');
  const [fault, setFault] = useState('');

  async function ring(wanted: readonly string[]) {
    if (wanted.length === 0) return;
    try {
      await ringInto(call, wanted);
      setTyped('');
      setFault('');
      notify('note_invited', { who: wanted.map(nameOf).join(t('list_separator')) }, 'status');
    } catch (error) {
      const [key, params] = explain(error, { 404: 'err_no_member', 400: 'err_no_member', 403: 'err_invite_refused' });
      setFault(t(key, params));
    }
  }

  return (
    <section class="invite-people">
      <h3>{t('invite_people')}</h3>
      <ul class="members">
        {candidates(call).map((account) => (
          <li key={account}>
            <PersonAvatar account={account} dot />
            <span class="ellipsis">{nameOf(account)}</span>
            <button type="button" data-testid="ring-person" data-user={account} onClick={() => void ring([account])}>{t('ring_them')}</button>
          </li>
        ))}
      </ul>
      <form onSubmit={(e) => { e.preventDefault(); void ring(accounts(typed)); }}>
        <div class="row">
          <input data-testid="invite-call-accounts" aria-label={t('invite_hint')} placeholder={t('invite_hint')} value={typed} autocapitalize="none" autocomplete="off" spellcheck={false} onInput={(e) => setTyped(e.currentTarget.value)} />
          <button class="primary" data-testid="invite-call-submit">{t('ring_them')}</button>
        </div>
      </form>
      <Fault text={fault} />
    </section>
  );
}

function candidates(call: Active): string[] {
  const here = new Set([me.value, ...[...call.participants.values()].map((p) => p.user_account)]);
  const group = call.target.kind === 'group' ? (members.value.get(call.target.id) ?? []).map((m) => m.user_account) : [];
  const known = [...friends.value.values()].filter((f) => f.state === 'accepted').map((f) => f.friends);
  return [...new Set([...group, ...known])].filter((account) => !here.has(account)).slice(0, offered);
}
