import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { titleOf } from '../../chat/author';
import type { Conversation } from '../../chat/line';
import { openSearch } from '../../chat/search';
import { t } from '../../text';
import { TargetAvatar } from '../Avatar';
import { Icon } from '../Icon';
import { GroupDetails } from './GroupDetails';
import { PersonDetails } from './PersonDetails';

/** The panel beside the conversation is open. */
export const detailsShown = signal(false);

/** Who one talks to, and everything one can do about it. */
export function Details({ c }: { c: Conversation }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const close = () => (detailsShown.value = false);
  return (
    <aside class="details" aria-label={t('details')} data-testid="details-panel" onKeyDown={(e) => e.key === 'Escape' && close()}>
      <header class="bar">
        <h2 ref={heading} tabIndex={-1}>{t('details')}</h2>
        <button type="button" class="icon-button" data-testid="close-details" aria-label={t('close_details')} title={t('close_details')} onClick={close}>
          <Icon name="close" />
        </button>
      </header>
      <div class="details-body">
        <div class="portrait">
          <TargetAvatar target={c} name={c.name} large dot />
          <strong data-testid="details-name">{titleOf(c)}</strong>
        </div>
        {c.conversation && (
          <button type="button" class="wide-button" data-testid="search-in" onClick={() => openSearch(c.conversation)}>
            <Icon name="search" />
            <span>{t('search_messages')}</span>
          </button>
        )}
        {c.kind === 'group' ? <GroupDetails c={c} /> : <PersonDetails account={c.id} />}
      </div>
    </aside>
  );
}
