import { cellOf } from '../../call/cells';
import { joinCell, place } from '../../call/ringing';
import { active, outgoing, type Cell } from '../../call/state';
import { titleOf } from '../../chat/author';
import { groups, isFormer, members } from '../../chat/groups';
import { keyOf, type Conversation } from '../../chat/line';
import { goHome } from '../../chat/route';
import { openSearch } from '../../chat/search';
import { typing } from '../../chat/typing';
import { nameOf } from '../../people/people';
import { presence } from '../../people/presence';
import { connection } from '../../session/session';
import { t } from '../../text';
import { lately } from '../../text/when';
import { TargetAvatar } from '../Avatar';
import { ReturnToCall } from '../call/ReturnToCall';
import { detailsShown } from '../details/Details';
import { Icon } from '../Icon';

/** So many of those in a call are named. */
const namesShown = 4;

/** Whom one talks to, and what one can do besides writing. */
export function Header({ c }: { c: Conversation }) {
  const here = active.value && keyOf(active.value.target) === keyOf(c);
  const off = isFormer(c) || !!outgoing.value || !!here || connection.value !== 'open';
  const toggle = () => (detailsShown.value = !detailsShown.value);
  return (
    <header class="bar">
      <button type="button" class="icon-button only-phone" data-testid="back" aria-label={t('back')} onClick={goHome}>
        <Icon name="back" />
      </button>
      <TargetAvatar target={c} name={c.name} dot />
      <div class="who">
        <h1 class="ellipsis" data-ellipsis>{titleOf(c)}</h1>
        <Status c={c} />
      </div>
      {c.conversation && (
        <button type="button" class="icon-button not-phone" data-testid="search-here" aria-label={t('search_messages')} title={t('search_messages')} onClick={() => openSearch(c.conversation)}>
          <Icon name="search" />
        </button>
      )}
      <button type="button" class="icon-button" data-testid="call-voice" aria-label={t('call_voice')} title={t('call_voice')} disabled={off} onClick={() => void place(c, 'call')}>
        <Icon name="phone" />
      </button>
      <button type="button" class="icon-button" data-testid="call-video" aria-label={t('call_video')} title={t('call_video')} disabled={off} onClick={() => void place(c, 'videocall')}>
        <Icon name="camera" />
      </button>
      <button type="button" class="icon-button" data-testid="details" aria-label={t('details')} title={t('details')} aria-expanded={detailsShown.value} onClick={toggle}>
        <Icon name={c.kind === 'group' ? 'people' : 'info'} />
      </button>
    </header>
  );
}

/** Who is writing; or whether they are here; or how many there are. */
function Status({ c }: { c: Conversation }) {
  const writing = typing.value.get(c.conversation) ?? [];
  if (writing.length > 0) {
    const who = writing.map(nameOf).join(t('list_separator'));
    return <small class="typing ellipsis" data-ellipsis role="status" data-testid="typing">{t(writing.length > 1 ? 'typing_some' : 'typing_one', { who })}</small>;
  }
  const count = groups.value.get(c.id)?.members ?? members.value.get(c.id)?.length;
  if (c.kind === 'group') return <small class="muted">{count ? t('member_count', { count }) : ' '}</small>;
  const state = presence.value.get(c.id);
  if (!state) return <small class="muted"> </small>;
  const offline = state.last_seen ? t('last_seen', { when: lately(state.last_seen) }) : t('presence_offline');
  return (
    <small class="muted ellipsis" data-ellipsis data-testid="presence" data-state={state.state}>
      {state.state === 'offline' ? offline : t(`presence_${state.state}`)}
    </small>
  );
}

function whoIsIn(cell: Cell): string {
  const names = cell.joined.slice(0, namesShown).map(nameOf);
  const more = cell.participants - names.length;
  if (more > 0) names.push(t('and_more', { count: more }));
  return t('call_going_on', { who: names.join(t('list_separator')) });
}

/** Tells of a call that goes on here, or that one is in one. */
export function CallBanner({ c }: { c: Conversation }) {
  if (active.value) return <ReturnToCall />;
  const cell = cellOf(c);
  if (!cell || outgoing.value) return null;
  return (
    <div class="banner" role="status" data-testid="running">
      <Icon name={cell.kind === 'videocall' ? 'camera' : 'phone'} />
      <span class="ellipsis">{whoIsIn(cell)}</span>
      <button type="button" class="primary" data-testid="join-call" onClick={() => void joinCell(cell)}>{t('join')}</button>
    </div>
  );
}
