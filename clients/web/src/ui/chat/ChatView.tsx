import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { refreshCells } from '../../call/cells';
import { titleOf } from '../../chat/author';
import { fetchMembers, isFormer, members } from '../../chat/groups';
import { openHistory } from '../../chat/history';
import type { Conversation } from '../../chat/line';
import { fetchReceipts, markRead } from '../../chat/receipts';
import { current, listed, timelines } from '../../chat/store';
import { lookAt } from '../../chat/unread';
import { blocked } from '../../people/friends';
import { refreshPerson } from '../../people/people';
import { connection } from '../../session/session';
import { t } from '../../text';
import { chatSeen } from '../call/shown';
import { Details, detailsShown } from '../details/Details';
import { notifyFailure } from '../notice';
import { Composer } from './Composer';
import { DropZone, useDropping, usePasting } from './dropping';
import { CallBanner, Header } from './Header';
import { Timeline } from './Timeline';

const visible = signal(document.visibilityState === 'visible');
document.addEventListener('visibilitychange', () => (visible.value = document.visibilityState === 'visible'));

/** The open conversation. */
export function ChatView() {
  const c = current.value;
  useFetching(c);
  useEffect(() => {
    // Where the panel would take the place of the conversation one came to see.
    if (!matchMedia('(min-width: 1100px)').matches) detailsShown.value = false;
  }, []);
  useReading(c);
  const writable = !!c && canWrite(c);
  usePasting(writable ? c : undefined);
  const { dragging, handlers } = useDropping(writable ? c : undefined);
  if (!c) return null;
  return (
    <main class={detailsShown.value ? 'chat with-details' : 'chat'} {...handlers}>
      <div class="talk">
        <Header c={c} />
        <CallBanner c={c} />
        <Timeline key={c.conversation} c={c} />
        <Foot c={c} />
        {dragging && <DropZone c={c} />}
      </div>
      {detailsShown.value && <Details c={c} />}
    </main>
  );
}

function canWrite(c: Conversation): boolean {
  return !isFormer(c) && !(c.kind === 'pair' && blocked.value.has(c.id));
}

function Foot({ c }: { c: Conversation }) {
  if (isFormer(c)) return <p class="composer muted" role="status">{t('not_member')}</p>;
  if (!canWrite(c)) return <p class="composer muted" role="status">{t('is_blocked', { who: titleOf(c) })}</p>;
  return <Composer c={c} />;
}

/** Keeps the history, the members and the receipts of the open conversation up to date. */
function useFetching(c: Conversation | undefined) {
  const conversation = c?.conversation ?? '';
  const group_id = c?.kind === 'group' ? c.id : '';
  const account = c?.kind === 'pair' ? c.id : '';
  const online = connection.value === 'open';
  useEffect(() => {
    if (!online) return;
    openHistory(conversation).catch(notifyFailure);
    fetchReceipts(conversation).catch(() => undefined);
    refreshCells();
  }, [conversation, online]);
  useEffect(() => {
    if (online && group_id && !members.peek().has(group_id)) fetchMembers(group_id).catch(() => undefined);
    if (online && account) refreshPerson(account);
  }, [group_id, account, online]);
}

/** What one looks at is read; what came before one looked stays marked. */
function useReading(c: Conversation | undefined) {
  const conversation = c?.conversation ?? '';
  const online = connection.value === 'open';
  const seen = visible.value && chatSeen.value;
  const known = listed.value;
  const live = timelines.value.get(conversation)?.live ?? true;
  useEffect(() => {
    const now = current.peek();
    if (now && seen && known) lookAt(now);
  }, [conversation, seen, known]);
  useEffect(() => {
    // As it is by now: it may have changed since it was drawn.
    const now = current.peek();
    if (now && seen && online && live) markRead(now);
  });
}
