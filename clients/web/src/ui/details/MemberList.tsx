import { signal } from '@preact/signals';
import { fetchMoreMembers, members, permit, removeMember, type Member, type Permissions } from '../../chat/groups';
import { go } from '../../chat/route';
import { nameOf } from '../../people/people';
import { me } from '../../session/session';
import { t } from '../../text';
import { confirmed } from '../Confirm';
import { PersonAvatar } from '../Avatar';
import { Icon } from '../Icon';
import { Menu, MenuItem, spotOf, type Spot } from '../Menu';
import { notifyFailure } from '../notice';

/** The member whose menu is open. */
const chosen = signal<{ member: Member; at: Spot } | undefined>(undefined);

/** Who is in a group. */
export function MemberList({ id, mine, total }: { id: string; mine: Permissions; total: number }) {
  const known = members.value.get(id) ?? [];
  return (
    <>
      <ul class="members" aria-label={t('members')}>
        {known.map((m) => (
          <li key={m.user_account} data-testid="member" data-user={m.user_account} data-permissions={m.permissions}>
            <PersonAvatar account={m.user_account} dot />
            <span class="ellipsis" data-ellipsis>{m.user_account === me.value ? `${nameOf(m.user_account)} (${t('you')})` : nameOf(m.user_account)}</span>
            {m.permissions !== 'member' && <small class="muted">{t(m.permissions)}</small>}
            {m.user_account !== me.value && (
              <button type="button" class="icon-button" data-testid="member-menu" aria-haspopup="menu" aria-label={t('member_menu', { who: nameOf(m.user_account) })} onClick={(e) => (chosen.value = { member: m, at: spotOf(e.currentTarget) })}>
                <Icon name="more" />
              </button>
            )}
          </li>
        ))}
      </ul>
      {known.length > 0 && known.length < total && <button type="button" class="quiet" onClick={() => fetchMoreMembers(id).catch(notifyFailure)}>{t('more_members')}</button>}
      <MemberMenu id={id} mine={mine} />
    </>
  );
}

function MemberMenu({ id, mine }: { id: string; mine: Permissions }) {
  if (!chosen.value) return null;
  const { member, at } = chosen.value;
  const who = nameOf(member.user_account);
  const close = () => (chosen.value = undefined);
  const pick = (act: () => unknown) => () => {
    close();
    act();
  };
  const removable = mine === 'creator' || (mine === 'admin' && member.permissions === 'member');
  const promote = member.permissions === 'admin' ? 'member' : 'admin';
  return (
    <Menu at={at} label={t('member_menu', { who })} onClose={close}>
      <MenuItem testid="member-write" icon="chat" text="write" act={pick(() => go({ kind: 'pair', id: member.user_account }))} />
      {mine === 'creator' && <MenuItem testid={`member-make-${promote}`} icon="people" text={`make_${promote}`} act={pick(() => void permitTo(id, member, promote))} />}
      {mine === 'creator' && <MenuItem testid="member-hand-over" icon="people" text="hand_over" act={pick(() => void permitTo(id, member, 'creator'))} />}
      {removable && <MenuItem testid="member-remove" icon="trash" text="remove_member" danger act={pick(() => void takeOut(id, member))} />}
    </Menu>
  );
}

const told = (error: unknown) => notifyFailure(error, { 403: 'err_no_rights', 404: 'err_gone' });

async function permitTo(id: string, { user_account }: Member, permissions: Permissions): Promise<void> {
  if (permissions === 'creator' && !(await confirmed('hand_over', 'hand_over_ask', { who: nameOf(user_account) }))) return;
  await permit(id, user_account, permissions).catch(told);
}

async function takeOut(id: string, { user_account }: Member): Promise<void> {
  if (await confirmed('remove_member', 'remove_member_ask', { who: nameOf(user_account) })) await removeMember(id, user_account).catch(told);
}
