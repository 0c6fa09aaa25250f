import { signal } from '@preact/signals';
import { fetchReacted, reacted } from '../../chat/actions';
import type { Conversation, Line } from '../../chat/line';
import { fetchReceipts, receipts } from '../../chat/receipts';
import { nameOf } from '../../people/people';
import { me } from '../../session/session';
import { t, type TextKey } from '../../text';
import { PersonAvatar } from '../Avatar';
import { Dialog } from '../Dialog';
import { notifyFailure } from '../notice';

const chosen = signal<{ line: Line; c: Conversation } | undefined>(undefined);

/** Shows who has read a message and who reacted to it. */
export function infoOf(line: Line, c: Conversation): void {
  chosen.value = { line, c };
  fetchReacted(c.conversation, line.message_id, line.seq).catch((error: unknown) => notifyFailure(error, { 404: 'err_message_gone' }));
  fetchReceipts(c.conversation).catch(() => undefined);
}

/** Who has read a message, who has received it, and who reacted how. */
export function MessageInfo() {
  if (!chosen.value) return null;
  const { line, c } = chosen.value;
  const others = [...(receipts.value.get(c.conversation) ?? [])].filter(([account]) => account !== line.user_account);
  const read = others.filter(([, r]) => r.read_seq >= line.seq).map(([account]) => account);
  const delivered = others.filter(([, r]) => r.read_seq < line.seq && r.delivered_seq >= line.seq).map(([account]) => account);
  const neither = others.filter(([, r]) => r.delivered_seq < line.seq).map(([account]) => account);
  const reactions = reacted.value.get(line.message_id) ?? [];
  return (
    <Dialog title={t('details_of')} testid="message-info" onClose={() => (chosen.value = undefined)}>
      <div class="stack">
        <People heading="who_reacted" none="no_reactions" list={reactions.map((r) => [r.user_account, r.reaction])} />
        <People heading="progress_read" list={read.map((a) => [a, ''])} />
        <People heading="delivered_to" list={delivered.map((a) => [a, ''])} />
        <People heading="not_delivered" list={neither.map((a) => [a, ''])} />
      </div>
    </Dialog>
  );
}

function People({ heading, none, list }: { heading: TextKey; none?: TextKey; list: (readonly [account: string, note: string])[] }) {
  if (list.length === 0 && !none) return null;
  return (
    <section>
      <h3>{t(heading)}</h3>
      {list.length === 0 && none && <p class="muted">{t(none)}</p>}
      <ul class="members">
        {list.map(([account, note]) => (
          <li key={`${account} ${note}`}>
            <PersonAvatar account={account} />
            <span class="ellipsis" data-ellipsis>{account === me.value ? t('you') : nameOf(account)}</span>
            <span>{note}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
