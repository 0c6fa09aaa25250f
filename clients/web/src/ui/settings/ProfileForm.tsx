import { useState } from 'preact/hooks';
import { changeOwn, nameOf, own } from '../../people/people';
import { me } from '../../session/session';
import { t } from '../../text';
import { Fault } from '../chat/NewGroupDialog';
import { explain } from '../notice';
import { PictureField } from '../PictureField';
import { Section } from './Section';

const columns = ['user_name', 'user_phone', 'sex', 'birthday', 'address'] as const;

/** What one tells of oneself. */
export function ProfileForm() {
  return (
    <Section title="profile">
      <PictureField picture={own.value.avatar ?? ''} name={nameOf(me.value)} seed={me.value} onPick={(avatar) => changeOwn({ avatar })} />
      <p class="muted"><small>{me.value} · {t('profile_hint')}</small></p>
      <Columns key={own.value.registration_time ?? ''} />
    </Section>
  );
}

function Columns() {
  const [typed, setTyped] = useState<Partial<Record<(typeof columns)[number], string>>>({});
  const [fault, setFault] = useState('');
  const [saved, setSaved] = useState(false);
  const changed = Object.fromEntries(Object.entries(typed).filter(([name, value]) => value !== (own.value[name] ?? '')));

  async function submit(event: Event) {
    event.preventDefault();
    try {
      await changeOwn(changed);
      setTyped({});
      setFault('');
      setSaved(true);
    } catch (error) {
      const [key, params] = explain(error, { 400: 'err_field' });
      setFault(t(key, params));
    }
  }

  return (
    <form class="stack" onSubmit={submit}>
      <div class="columns">
        {columns.map((name) => (
          <label key={name}>
            <span>{t(name)}</span>
            <input data-testid={`profile-${name}`} value={typed[name] ?? own.value[name] ?? ''} inputMode={name === 'user_phone' ? 'tel' : 'text'} maxLength={60} autocomplete="off"
              onInput={(e) => {
                setTyped({ ...typed, [name]: e.currentTarget.value });
                setSaved(false);
              }} />
          </label>
        ))}
      </div>
      <Fault text={fault} />
      <div class="row">
        <button class="primary" data-testid="profile-save" disabled={Object.keys(changed).length === 0}>{t('save')}</button>
        <span role="status" data-testid="profile-saved">{saved ? t('saved') : ''}</span>
      </div>
    </form>
  );
}
