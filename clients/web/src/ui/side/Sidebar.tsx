import { signal } from '@preact/signals';
import { conversations, list, listed } from '../../chat/store';
import { keyOf } from '../../chat/line';
import { goSettings, inSettings } from '../../chat/route';
import { openSearch, searching } from '../../chat/search';
import { questions } from '../../people/friends';
import { nameOf } from '../../people/people';
import { connection, me } from '../../session/session';
import { t } from '../../text';
import { PersonAvatar } from '../Avatar';
import { ReturnToCall } from '../call/ReturnToCall';
import { Icon } from '../Icon';
import { LanguageButton } from '../LanguageButton';
import { mended } from '../notice';
import { NewGroupDialog } from '../chat/NewGroupDialog';
import { FindPerson } from './FindPerson';
import { Item } from './Item';
import { PeopleList } from './PeopleList';
import { SearchPanel } from './SearchPanel';

const makingGroup = signal(false);
const tab = signal<'chats' | 'people'>('chats');

/** Who one is, finding people and messages, the list of conversations, and the people one knows. */
export function Sidebar() {
  return (
    <nav class="sidebar" aria-label={t('conversations')}>
      <Own />
      {searching.value ? (
        <SearchPanel key={searching.value.conversation} conversation={searching.value.conversation} />
      ) : (
        <>
          <div class="find">
            <FindPerson />
            <button type="button" class="icon-button" data-testid="search" aria-label={t('search_messages')} title={t('search_messages')} onClick={() => openSearch('')}>
              <Icon name="search" />
            </button>
            <button type="button" class="icon-button" data-testid="new-group" aria-label={t('new_group')} title={t('new_group')} onClick={() => (makingGroup.value = true)}>
              <Icon name="newGroup" />
            </button>
          </div>
          <Tabs />
          {tab.value === 'chats' ? <Chats /> : <PeopleList />}
        </>
      )}
      <ReturnToCall />
      {makingGroup.value && <NewGroupDialog onClose={() => (makingGroup.value = false)} />}
    </nav>
  );
}

function Own() {
  return (
    <header class="bar">
      <PersonAvatar account={me.value} />
      <div class="who">
        <strong class="ellipsis" data-ellipsis>{nameOf(me.value)}</strong>
        <ConnectionState />
      </div>
      <LanguageButton />
      <button type="button" class="icon-button" data-testid="settings" aria-label={t('settings')} title={t('settings')} aria-current={inSettings.value ? 'page' : undefined} onClick={goSettings}>
        <Icon name="settings" />
      </button>
    </header>
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

function Tabs() {
  const waiting = questions.value.length;
  return (
    <div class="tabs">
      <button type="button" aria-pressed={tab.value === 'chats'} data-testid="tab-chats" onClick={() => (tab.value = 'chats')}>{t('chats')}</button>
      <button type="button" aria-pressed={tab.value === 'people'} data-testid="tab-people" onClick={showPeople}>
        {t('people')}
        {waiting > 0 && <span class="badge" role="img" aria-label={t('request_count', { count: waiting })} data-testid="request-badge">{waiting}</span>}
      </button>
    </div>
  );
}

function showPeople() {
  tab.value = 'people';
  mended('note_friend_asks');
}

function Chats() {
  return (
    <div class="conversations">
      <ul>
        {list.value.map((c) => (
          <Item key={keyOf(c)} c={c} />
        ))}
      </ul>
      {listed.value && conversations.value.size === 0 && <p class="muted empty">{t('no_conversations')}</p>}
    </div>
  );
}
