import { useEffect, useState } from 'preact/hooks';
import { accounts } from '../../chat/accounts';
import { dissolve, fetchMembers, groups, invite, isFormer, leaveGroup, type Group } from '../../chat/groups';
import type { Conversation } from '../../chat/line';
import { t } from '../../text';
import { Fault } from '../chat/NewGroupDialog';
import { confirmed } from '../Confirm';
import { Icon } from '../Icon';
import { explain, notifyFailure } from '../notice';
import { GroupForm } from './GroupForm';
import { MemberList } from './MemberList';

/** What a group says of itself, who is in, and what one may do there. */
export function GroupDetails({ c }: { c: Conversation }) {
  const [editing, setEditing] = useState(false);
  const group = groups.value.get(c.id);
  const out = isFormer(c);
  useEffect(() => {
    if (!out) fetchMembers(c.id).catch(() => undefined);
  }, [c.id, out]);
  if (out) return <p class="muted">{t('not_member')}</p>;
  const mine = group?.permissions ?? 'member';
  return (
    <>
      {editing && group ? <GroupForm id={c.id} group={group} onClose={() => setEditing(false)} /> : <About group={group} onEdit={mine === 'member' ? undefined : () => setEditing(true)} />}
      <h3>{t('member_count', { count: group?.members ?? 0 })}</h3>
      <MemberList id={c.id} mine={mine} total={group?.members ?? 0} />
      <InviteForm c={c} />
      <button type="button" class="wide-button danger quiet" data-testid="leave-group" onClick={() => void leave(c)}>{t('leave_group')}</button>
      {mine === 'creator' && (
        <button type="button" class="wide-button danger quiet" data-testid="dissolve-group" onClick={() => void end(c)}>{t('dissolve')}</button>
      )}
    </>
  );
}

const told = (error: unknown) => notifyFailure(error, { 403: 'err_no_rights', 404: 'err_no_group' });

async function leave(c: Conversation): Promise<void> {
  if (await confirmed('leave_group', 'leave_group_ask', { name: c.name })) await leaveGroup(c.id).catch(told);
}

async function end(c: Conversation): Promise<void> {
  if (await confirmed('dissolve', 'dissolve_ask', { name: c.name })) await dissolve(c.id).catch(told);
}

function About({ group, onEdit }: { group: Group | undefined; onEdit?: () => void }) {
  return (
    <section class="about">
      {group?.introduction && <p data-testid="introduction">{group.introduction}</p>}
      {group && <p class="muted"><small>{t('group_history')}: {t(`history_${group.history}`)}</small></p>}
      {onEdit && (
        <button type="button" class="wide-button" data-testid="edit-group" onClick={onEdit}>
          <Icon name="edit" />
          <span>{t('group_edit')}</span>
        </button>
      )}
    </section>
  );
}

function InviteForm({ c }: { c: Conversation }) {
  const [typed, setTyped] = useState('');
  const [fault, setFault] = useState('');
  async function submit(event: Event) {
    event.preventDefault();
    const wanted = accounts(typed);
    if (wanted.length === 0) return;
    try {
      await invite(c.id, wanted);
      setTyped('');
      setFault('');
    } catch (error) {
      const [key, params] = explain(error, { 404: 'err_no_member', 400: 'err_no_member', 403: 'err_no_rights' });
      setFault(t(key, params));
    }
  }
  return (
    <form class="invite" onSubmit={submit}>
      <div class="row">
        <input data-testid="invite-accounts" aria-label={t('invite_title', { name: c.name })} value={typed} placeholder={t('invite_hint')} autocapitalize="none"
          autocomplete="off" spellcheck={false} onInput={(e) => setTyped(e.currentTarget.value)} />
        <button class="primary" data-testid="invite-submit">{t('invite')}</button>
      </div>
      <Fault text={fault} />
    </form>
  );
}
