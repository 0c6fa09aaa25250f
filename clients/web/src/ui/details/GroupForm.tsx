import { useState } from 'preact/hooks';
import { describeGroup, type Group } from '../../chat/groups';
import { t } from '../../text';
import { Fault } from '../chat/NewGroupDialog';
import { explain } from '../notice';
import { PictureField } from '../PictureField';

/** Changes what a group says of itself. */
export function GroupForm({ id, group, onClose }: { id: string; group: Group; onClose: () => void }) {
  const [name, setName] = useState(group.name);
  const [introduction, setIntroduction] = useState(group.introduction);
  const [history, setHistory] = useState<string>(group.history);
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState('');

  async function submit(event: Event) {
    event.preventDefault();
    const wanted = { name: name.trim(), introduction: introduction.trim(), history };
    const changed = Object.fromEntries(Object.entries(wanted).filter(([key, value]) => value !== group[key as keyof typeof wanted]));
    setBusy(true);
    try {
      if (Object.keys(changed).length > 0) await describeGroup(id, changed);
      onClose();
    } catch (error) {
      const [key, params] = explain(error, { 403: 'err_no_rights', 404: 'err_no_group', 400: 'err_field' });
      setFault(t(key, params));
      setBusy(false);
    }
  }

  return (
    <form class="stack" onSubmit={submit} data-testid="group-form">
      <PictureField picture={group.avatar} name={group.name} seed={id} bare onPick={(avatar) => describeGroup(id, { avatar })} />
      <label>
        <span>{t('group_name')}</span>
        <input data-testid="edit-group-name" value={name} maxLength={60} required autocomplete="off" onInput={(e) => setName(e.currentTarget.value)} />
      </label>
      <label>
        <span>{t('introduction')}</span>
        <textarea data-testid="edit-group-introduction" value={introduction} rows={3} maxLength={600} onInput={(e) => setIntroduction(e.currentTarget.value)} />
      </label>
      <HistoryField value={history} onChange={setHistory} />
      <Fault text={fault} />
      <div class="row">
        <button class="primary" data-testid="save-group" disabled={busy || !name.trim()}>{t('save')}</button>
        <button type="button" onClick={onClose}>{t('cancel')}</button>
      </div>
    </form>
  );
}

/** What who is invited will see. */
export function HistoryField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  return (
    <label>
      <span>{t('group_history')}</span>
      <select data-testid="group-history" value={value} onChange={(e) => onChange(e.currentTarget.value)}>
        <option value="join">{t('history_join')}</option>
        <option value="all">{t('history_all')}</option>
      </select>
    </label>
  );
}
