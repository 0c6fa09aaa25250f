import { cellOf } from '../../call/cells';
import { gist, titleOf } from '../../chat/author';
import { missedCall, unread, type Conversation } from '../../chat/line';
import { go } from '../../chat/route';
import { current } from '../../chat/store';
import { typing } from '../../chat/typing';
import { nameOf } from '../../people/people';
import { me } from '../../session/session';
import { t } from '../../text';
import { briefly } from '../../text/when';
import { TargetAvatar } from '../Avatar';
import { Icon } from '../Icon';

/** A conversation of the list. */
export function Item({ c }: { c: Conversation }) {
  const count = unread(c);
  const running = c.kind === 'group' ? cellOf(c) : undefined;
  const here = current.value?.kind === c.kind && current.value.id === c.id;
  return (
    <li>
      <button type="button" class={here ? 'conversation here' : 'conversation'} aria-current={here ? 'true' : undefined} data-testid="conversation-item" data-key={c.id} data-unread={count} onClick={() => go(c)}>
        <TargetAvatar target={c} name={c.name} dot />
        <span class="name ellipsis">{titleOf(c)}</span>
        {running ? <span class="running" role="img" aria-label={t('call_running')} data-testid="running-call"><Icon name={running.kind === 'videocall' ? 'camera' : 'phone'} /></span> : <time class="muted">{briefly(c.time)}</time>}
        <LastLine c={c} />
        {count > 0 && (
          <span class="badges">
            {c.mentioned > 0 && <span class="badge" role="img" aria-label={t('mentioned_you')} data-testid="mention-badge">@</span>}
            <span class="badge" role="img" aria-label={t('unread', { count })} data-testid="unread-badge">
              {count > 99 ? '99+' : count}
            </span>
          </span>
        )}
      </button>
    </li>
  );
}

function LastLine({ c }: { c: Conversation }) {
  const writing = typing.value.get(c.conversation) ?? [];
  if (writing.length > 0) {
    const who = writing.map(nameOf).join(t('list_separator'));
    return <span class="last typing ellipsis">{t(writing.length > 1 ? 'typing_some' : 'typing_one', { who })}</span>;
  }
  return <span class="last muted ellipsis">{lastLine(c)}</span>;
}

function lastLine(c: Conversation): string {
  if (c.last_type === 'call_record' && missedCall(c, c.author, me.value)) return t('last_missed');
  const text = gist(c.last_type, c.text);
  if (!text || c.last_type === 'call_record' || c.last_type === 'member_record' || c.last_type === 'deleted') return text;
  if (c.author === me.value) return `${t('you')}: ${text}`;
  return c.kind === 'group' ? `${nameOf(c.author)}: ${text}` : text;
}
