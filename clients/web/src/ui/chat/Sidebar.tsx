import { signal } from '@preact/signals';
import { useState } from 'preact/hooks';
import { connection, leave, me, request } from '../../session/session';
import { conversations, current, list, listed } from '../../chat/store';
import { keyOf, unread, type Conversation } from '../../chat/line';
import { parts, shownName } from '../../chat/markup';
import { go } from '../../chat/route';
import { t } from '../../text';
import { briefly } from '../../text/when';
import { Avatar } from '../Avatar';
import { ReturnToCall } from '../call/ReturnToCall';
import { Icon } from '../Icon';
import { LanguageButton } from '../LanguageButton';
import { mended, notify, notifyFailure } from '../notice';
import { NewGroupDialog } from './NewGroupDialog';

const makingGroup = signal(false);

/** Who one is, finding people, and the list of conversations. */
export function Sidebar() {
  return (
    <nav class="sidebar" aria-label={t('conversations')}>
      <header class="bar">
        <Avatar name={me.value} />
        <div class="who">
          <strong class="ellipsis">{me.value}</strong>
          <ConnectionState />
        </div>
        <LanguageButton />
        <button type="button" class="icon-button" data-testid="logout" aria-label={t('log_out')} title={t('log_out')} onClick={() => leave().catch(notifyFailure)}>
          <Icon name="logOut" />
        </button>
      </header>
      <div class="find">
        <FindPerson />
        <button type="button" class="icon-button" data-testid="new-group" aria-label={t('new_group')} title={t('new_group')} onClick={() => (makingGroup.value = true)}>
          <Icon name="newGroup" />
        </button>
      </div>
      <div class="conversations">
        <ul>
          {list.value.map((c) => (
            <Item key={keyOf(c)} c={c} />
          ))}
        </ul>
        {listed.value && conversations.value.size === 0 && <p class="muted empty">{t('no_conversations')}</p>}
      </div>
      <ReturnToCall />
      {makingGroup.value && <NewGroupDialog onClose={() => (makingGroup.value = false)} />}
    </nav>
  );
}

function ConnectionState() {
  const texts = { open: 'online', connecting: 'connecting', offline: 'offline' } as const;
  return (
    <small class={`connection ${connection.value}`} data-testid="connection-state" data-state={connection.value} role="status">
      {t(texts[connection.value])}
    </small>
  );
}

function FindPerson() {
  const [typed, setTyped] = useState('');
  async function find(event: Event) {
    event.preventDefault();
    const id = typed.trim();
    if (!id) return;
    if (id === me.value) {
      notify('err_that_is_you');
      return;
    }
    try {
      await request({ message_type: 'profile', type: 'GET', friends: id });
      mended('err_no_person', 'err_that_is_you');
      setTyped('');
      go({ kind: 'pair', id });
    } catch (error) {
      notifyFailure(error, { 404: 'err_no_person', 400: 'err_no_person' }, { id });
    }
  }
  return (
    <form role="search" onSubmit={find}>
      <input data-testid="find-person" type="search" aria-label={t('find_person_label')} placeholder={t('find_person')} value={typed} autocapitalize="none" autocomplete="off"
        spellcheck={false} maxLength={100} onInput={(e) => setTyped(e.currentTarget.value)} />
      <button class="icon-button" aria-label={t('open_chat')} title={t('open_chat')}>
        <Icon name="find" />
      </button>
    </form>
  );
}

function Item({ c }: { c: Conversation }) {
  const count = unread(c);
  const here = current.value?.kind === c.kind && current.value.id === c.id;
  return (
    <li>
      <button type="button" class={here ? 'conversation here' : 'conversation'} aria-current={here ? 'true' : undefined} data-testid="conversation-item" data-key={c.id} onClick={() => go(c)}>
        <Avatar name={c.name} />
        <span class="name ellipsis">{c.name}</span>
        <time class="muted">{briefly(c.time)}</time>
        <span class="last muted ellipsis">{lastLine(c)}</span>
        {count > 0 && (
          <span class="badge" role="img" aria-label={t('unread', { count })}>
            {count > 99 ? '99+' : count}
          </span>
        )}
      </button>
    </li>
  );
}

function lastLine(c: Conversation): string {
  if (c.last_type === 'call_record') return t('last_call');
  if (c.last_type === 'member_record') return t('last_member');
  const text = summary(c.text);
  if (!text) return '';
  if (c.author === me.value) return `${t('you')}: ${text}`;
  return c.kind === 'group' ? `${c.author}: ${text}` : text;
}

/** One line of a text. The list has the first bytes only, which may end within a file's name. */
function summary(text: string): string {
  return parts(text.replace(/<file>[A-Za-z0-9.%_-]*$/, ''))
    .map((p) => (p.kind === 'file' ? `[${t('file')}] ${shownName(p.name)}` : p.kind === 'link' ? p.url : p.text))
    .join(' ');
}
