import { signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import { refreshCells } from '../../call/cells';
import { joinCell, place } from '../../call/ringing';
import { active, cells, outgoing } from '../../call/state';
import { pick } from '../../chat/attachments';
import { fetchMembers, former, members } from '../../chat/groups';
import { keyOf, type Conversation } from '../../chat/line';
import { goHome } from '../../chat/route';
import { current, markRead, openHistory } from '../../chat/store';
import { connection } from '../../session/session';
import { t } from '../../text';
import { Avatar } from '../Avatar';
import { ReturnToCall } from '../call/ReturnToCall';
import { callShown } from '../call/shown';
import { Icon } from '../Icon';
import { notifyFailure } from '../notice';
import { Composer } from './Composer';
import { GroupDialog } from './GroupDialog';
import { Timeline } from './Timeline';

const visible = signal(document.visibilityState === 'visible');
document.addEventListener('visibilitychange', () => (visible.value = document.visibilityState === 'visible'));

/** The open conversation. */
export function ChatView() {
  const c = current.value;
  const [dragging, setDragging] = useState(false);
  useFetching(c);
  if (!c) return null;
  const out = isFormer(c);
  return (
    <main
      class={dragging ? 'chat dragging' : 'chat'}
      onDragOver={(e) => {
        if (!e.dataTransfer?.types.includes('Files')) return;
        e.preventDefault();
        setDragging(true);
      }}
      onDragLeave={(e) => setDragging(e.currentTarget.contains(e.relatedTarget as Node | null))}
      onDrop={(e) => {
        e.preventDefault();
        setDragging(false);
        pick(c, e.dataTransfer?.files ?? []);
      }}
    >
      <Header c={c} />
      <CallBanner c={c} />
      <Timeline key={c.conversation} c={c} />
      {out ? <p class="composer muted" role="status">{t('not_member')}</p> : <Composer c={c} />}
      {dragging && <div class="drop-hint">{t('drop_here')}</div>}
    </main>
  );
}

function isFormer(c: Conversation): boolean {
  return c.kind === 'group' && former.value.has(c.id);
}

/** Keeps the history, the members and the receipt of the open conversation up to date. */
function useFetching(c: Conversation | undefined) {
  const conversation = c?.conversation ?? '';
  const group_id = c?.kind === 'group' ? c.id : '';
  const online = connection.value === 'open';
  const seen = visible.value && (!active.value || !callShown.value || matchMedia('(min-width: 1100px)').matches);
  useEffect(() => {
    if (!online) return;
    openHistory(conversation).catch(notifyFailure);
    refreshCells();
  }, [conversation, online]);
  useEffect(() => {
    if (online && group_id && !members.peek().has(group_id)) fetchMembers(group_id).catch(() => undefined);
  }, [group_id, online]);
  useEffect(() => {
    if (c && seen && online) markRead(c);
  });
}

function Header({ c }: { c: Conversation }) {
  const [group, setGroup] = useState(false);
  const count = members.value.get(c.id)?.length ?? 0;
  const here = active.value && keyOf(active.value.target) === keyOf(c);
  const out = isFormer(c);
  const off = out || !!outgoing.value || !!here || connection.value !== 'open';
  return (
    <header class="bar">
      <button type="button" class="icon-button only-phone" data-testid="back" aria-label={t('back')} onClick={goHome}>
        <Icon name="back" />
      </button>
      <Avatar name={c.name || c.id} />
      <div class="who">
        <h1 class="ellipsis">{c.name}</h1>
        {c.kind === 'group' && <small class="muted">{count ? t('member_count', { count }) : ' '}</small>}
      </div>
      {c.kind === 'group' && !out && (
        <button type="button" class="icon-button" data-testid="invite" aria-label={`${t('members')}, ${t('invite')}`} title={`${t('members')}, ${t('invite')}`} onClick={() => setGroup(true)}>
          <Icon name="people" />
        </button>
      )}
      <button type="button" class="icon-button" data-testid="call-voice" aria-label={t('call_voice')} title={t('call_voice')} disabled={off} onClick={() => void place(c, 'call')}>
        <Icon name="phone" />
      </button>
      <button type="button" class="icon-button" data-testid="call-video" aria-label={t('call_video')} title={t('call_video')} disabled={off} onClick={() => void place(c, 'videocall')}>
        <Icon name="camera" />
      </button>
      {group && <GroupDialog group={c} onClose={() => setGroup(false)} />}
    </header>
  );
}

/** Tells of a call that goes on here, or that one is in one. */
function CallBanner({ c }: { c: Conversation }) {
  if (active.value) return <ReturnToCall />;
  const cell = [...cells.value.values()].find((x) => keyOf(x.target) === keyOf(c) || (x.target.kind === 'pair' && c.kind === 'pair' && x.user_account === c.id));
  if (!cell || outgoing.value) return null;
  return (
    <div class="banner" role="status">
      <Icon name={cell.kind === 'videocall' ? 'camera' : 'phone'} />
      <span class="ellipsis">{t('call_going_on', { count: cell.participants })}</span>
      <button type="button" class="primary" data-testid="join-call" onClick={() => void joinCell(cell)}>{t('join')}</button>
    </div>
  );
}
