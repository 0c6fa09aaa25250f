import { useEffect, useState } from 'preact/hooks';
import { accounts } from '../../chat/accounts';
import { fetchMembers, invite, leaveGroup, members } from '../../chat/groups';
import type { Conversation } from '../../chat/line';
import { me } from '../../session/session';
import { t } from '../../text';
import { Avatar } from '../Avatar';
import { Dialog } from '../Dialog';
import { explain } from '../notice';
import { Fault } from './NewGroupDialog';

/** Who is in a group; inviting and leaving. */
export function GroupDialog({ group, onClose }: { group: Conversation; onClose: () => void }) {
  const [typed, setTyped] = useState('');
  const [fault, setFault] = useState('');
  const [leaving, setLeaving] = useState(false);
  const tell = (error: unknown, what: 'err_no_member' | 'err_no_group') => {
    const [key, params] = explain(error, { 404: what, 400: what });
    setFault(t(key, params));
  };
  useEffect(() => {
    fetchMembers(group.id).catch((error: unknown) => tell(error, 'err_no_group'));
  }, [group.id]);

  async function submit(event: Event) {
    event.preventDefault();
    const wanted = accounts(typed);
    if (wanted.length === 0) return;
    try {
      await invite(group.id, wanted);
      setTyped('');
      setFault('');
    } catch (error) {
      tell(error, 'err_no_member');
    }
  }

  return (
    <Dialog title={group.name} onClose={onClose} class="group">
      <MemberList group_id={group.id} />
      <form class="row" onSubmit={submit}>
        <input data-testid="invite-accounts" aria-label={t('invite_title', { name: group.name })} value={typed} placeholder={t('group_members_hint')} autocapitalize="none"
          autocomplete="off" spellcheck={false} onInput={(e) => setTyped(e.currentTarget.value)} />
        <button class="primary" data-testid="invite-submit">{t('invite')}</button>
      </form>
      <Fault text={fault} />
      {leaving ? (
        <div class="stack">
          <p>{t('leave_group_ask', { name: group.name })}</p>
          <div class="row">
            <button type="button" class="quiet" onClick={() => setLeaving(false)}>{t('cancel')}</button>
            <button type="button" class="danger" data-testid="leave-confirm" onClick={() => leaveGroup(group.id).catch((error: unknown) => tell(error, 'err_no_group'))}>
              {t('leave_group')}
            </button>
          </div>
        </div>
      ) : (
        <button type="button" class="danger quiet" data-testid="leave-group" onClick={() => setLeaving(true)}>{t('leave_group')}</button>
      )}
    </Dialog>
  );
}

function MemberList({ group_id }: { group_id: string }) {
  const known = members.value.get(group_id) ?? [];
  return (
    <ul class="members" aria-label={t('members')}>
      {known.map((m) => (
        <li key={m.user_account} data-testid="member" data-user={m.user_account}>
          <Avatar name={m.user_account} />
          <span class="ellipsis">{m.user_account === me.value ? `${m.user_account} (${t('you')})` : m.user_account}</span>
          {(m.permissions === 'creator' || m.permissions === 'admin') && <small class="muted">{t(m.permissions)}</small>}
        </li>
      ))}
    </ul>
  );
}
