import { useState } from 'preact/hooks';
import { groups, members } from '../../chat/groups';
import type { Conversation } from '../../chat/line';
import { mentionAt } from '../../chat/markup';
import { nameOf } from '../../people/people';
import { me } from '../../session/session';
import { t } from '../../text';
import { PersonAvatar } from '../Avatar';

const shown = 6;
/** Larger groups let only their admins mention all. */
const smallGroup = 50;

/** Completes whom an @ means, over the field one writes in. */
export function useMentions(c: Conversation, area: { current: HTMLTextAreaElement | null }, type: (text: string) => void) {
  const [at, setAt] = useState<{ from: number; word: string } | undefined>(undefined);
  const [chosen, setChosen] = useState(0);
  const found = at && c.kind === 'group' ? candidates(c.id, at.word) : [];

  function look() {
    const el = area.current;
    setAt(el && c.kind === 'group' ? mentionAt(el.value, el.selectionStart) : undefined);
    setChosen(0);
  }

  function take(account: string | undefined) {
    const el = area.current;
    if (!el || !at || !account) return;
    const before = el.value.slice(0, at.from) + account + ' ';
    el.value = before + el.value.slice(el.selectionStart).trimStart();
    el.setSelectionRange(before.length, before.length);
    type(el.value);
    setAt(undefined);
    el.focus();
  }

  /** Answers whether the key was for the list. */
  function onKeyDown(e: KeyboardEvent): boolean {
    if (found.length === 0) return false;
    if (e.key === 'ArrowDown') setChosen((chosen + 1) % found.length);
    else if (e.key === 'ArrowUp') setChosen((chosen + found.length - 1) % found.length);
    else if (e.key === 'Enter' || e.key === 'Tab') take(found[chosen]);
    else if (e.key === 'Escape') setAt(undefined);
    else return false;
    e.preventDefault();
    return true;
  }

  const field =
    found.length > 0 ? ({ 'aria-autocomplete': 'list', 'aria-controls': 'mention-list', 'aria-activedescendant': `mention-${chosen}` } as const) : {};
  const view = found.length > 0 && (
    <ul class="mention-list" id="mention-list" role="listbox" aria-label={t('mention_list')} data-testid="mention-list">
      {found.map((account, n) => (
        <li key={account} id={`mention-${n}`} role="option" aria-selected={n === chosen} data-testid="mention-option" data-user={account}
          onPointerDown={(e) => {
            e.preventDefault();
            take(account);
          }}>
          {account !== 'all' && <PersonAvatar account={account} />}
          <span class="ellipsis" data-ellipsis>{account === 'all' ? t('mention_all') : nameOf(account)}</span>
          <small class="muted ellipsis" data-ellipsis>@{account}</small>
        </li>
      ))}
    </ul>
  );
  return { look, onKeyDown, field, view };
}

function candidates(group_id: string, word: string): string[] {
  const known = members.value.get(group_id) ?? [];
  const all = known.length <= smallGroup || (groups.value.get(group_id)?.permissions ?? 'member') !== 'member' ? ['all'] : [];
  const begins = (text: string) => text.toLocaleLowerCase().startsWith(word.toLocaleLowerCase());
  const accounts = known.map((m) => m.user_account).filter((account) => account !== me.value);
  return [...accounts, ...all].filter((account) => begins(account) || begins(account === 'all' ? t('mention_all') : nameOf(account))).slice(0, shown);
}
