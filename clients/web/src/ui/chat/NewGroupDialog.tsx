import { useState } from 'preact/hooks';
import { accounts } from '../../chat/accounts';
import { createGroup } from '../../chat/groups';
import { go } from '../../chat/route';
import { t } from '../../text';
import { HistoryField } from '../details/GroupForm';
import { Dialog } from '../Dialog';
import { explain } from '../notice';

/** Makes a group. */
export function NewGroupDialog({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('');
  const [members, setMembers] = useState('');
  const [introduction, setIntroduction] = useState('');
  const [history, setHistory] = useState('join');
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState('');

  async function submit(event: Event) {
    event.preventDefault();
    if (!name.trim() || busy) return;
    setBusy(true);
    try {
      go(await createGroup(name.trim(), accounts(members), { introduction: introduction.trim(), history }));
      onClose();
    } catch (error) {
      const [key, params] = explain(error, { 404: 'err_no_member', 400: 'err_field' });
      setFault(t(key, params));
      setBusy(false);
    }
  }

  return (
    <Dialog title={t('new_group')} onClose={onClose}>
      <form class="stack" onSubmit={submit}>
        <label>
          <span>{t('group_name')}</span>
          <input data-testid="group-name" value={name} maxLength={60} required autocomplete="off" onInput={(e) => setName(e.currentTarget.value)} />
        </label>
        <label>
          <span>{t('group_members')}</span>
          <input data-testid="group-members" value={members} placeholder={t('group_members_hint')} autocapitalize="none" autocomplete="off" spellcheck={false}
            onInput={(e) => setMembers(e.currentTarget.value)} />
        </label>
        <label>
          <span>{t('introduction')}</span>
          <input data-testid="group-introduction" value={introduction} maxLength={600} autocomplete="off" onInput={(e) => setIntroduction(e.currentTarget.value)} />
        </label>
        <HistoryField value={history} onChange={setHistory} />
        <Fault text={fault} />
        <button class="primary" data-testid="group-create" disabled={busy || !name.trim()}>
          {t('create')}
        </button>
      </form>
    </Dialog>
  );
}

/** What went wrong, inside a form. */
export function Fault({ text }: { text: string }) {
  return (
    <p class="fault" role="alert" {...(text ? { 'data-testid': 'notice' } : {})}>
      {text}
    </p>
  );
}
