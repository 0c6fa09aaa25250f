import { useState } from 'preact/hooks';
import { gist, lineAuthor, titleOf } from '../../chat/author';
import { jumpTo } from '../../chat/history';
import { go } from '../../chat/route';
import { search, searching, type Found, type Hit, type Query } from '../../chat/search';
import { snippet } from '../../chat/snippet';
import { byId } from '../../chat/store';
import { callShown } from '../call/shown';
import { t } from '../../text';
import { briefly } from '../../text/when';
import { TargetAvatar } from '../Avatar';
import { Icon } from '../Icon';
import { explain, notifyFailure } from '../notice';
import { Fault } from '../chat/NewGroupDialog';

/** Finds messages by their words, everywhere or in one conversation, and goes to them. */
export function SearchPanel({ conversation }: { conversation: string }) {
  const [query, setQuery] = useState<Query>({ text: '', conversation });
  const [found, setFound] = useState<Found & { text: string } | undefined>(undefined);
  const [fault, setFault] = useState('');
  const c = byId(conversation);
  const change = (part: Partial<Query>) => setQuery({ ...query, ...part });

  async function look(after?: Found) {
    if (!query.text.trim()) return;
    try {
      setFound({ ...(await search({ ...query, text: query.text.trim() }, after)), text: query.text.trim() });
      setFault('');
    } catch (error) {
      const [key, params] = explain(error, { 400: 'err_search', 404: 'err_no_member' });
      setFault(t(key, params));
    }
  }

  return (
    <section class="search-panel" aria-label={t('search_messages')} data-testid="search-panel" onKeyDown={(e) => e.key === 'Escape' && (searching.value = undefined)}>
      <form
        class="find"
        role="search"
        onSubmit={(e) => {
          e.preventDefault();
          void look();
        }}
      >
        <button type="button" class="icon-button" data-testid="search-close" aria-label={t('back')} title={t('back')} onClick={() => (searching.value = undefined)}>
          <Icon name="back" />
        </button>
        <input data-testid="search-text" type="search" aria-label={t('search_words')} placeholder={t('search_words')} value={query.text} autofocus autocomplete="off" maxLength={200} onInput={(e) => change({ text: e.currentTarget.value })} />
        <button class="icon-button" data-testid="search-go" aria-label={t('search')} title={t('search')}>
          <Icon name="find" />
        </button>
      </form>
      <Narrow query={query} name={c && titleOf(c)} conversation={conversation} change={change} />
      <Fault text={fault} />
      {found && <Results found={found} onMore={() => void look(found)} />}
    </section>
  );
}

interface NarrowProps {
  query: Query;
  /** Of the conversation the panel was opened in. */
  name: string | undefined;
  conversation: string;
  change: (part: Partial<Query>) => void;
}

function Narrow({ query, name, conversation, change }: NarrowProps) {
  return (
    <details class="narrow">
      <summary>{t('search_narrow')}</summary>
      <div class="narrow-fields">
        <label>
          <span>{t('search_from')}</span>
          <input data-testid="search-from" value={query.friends ?? ''} placeholder={t('search_from_hint')} autocapitalize="none" autocomplete="off" spellcheck={false} maxLength={100} onInput={(e) => change({ friends: e.currentTarget.value.trim() })} />
        </label>
        <label>
          <span>{t('search_since')}</span>
          <input type="date" data-testid="search-since" value={query.since ?? ''} onInput={(e) => change({ since: e.currentTarget.value })} />
        </label>
        <label>
          <span>{t('search_until')}</span>
          <input type="date" data-testid="search-until" value={query.until ?? ''} onInput={(e) => change({ until: e.currentTarget.value })} />
        </label>
      </div>
      {name !== undefined && (
        <label class="check">
          <input type="checkbox" data-testid="search-only" checked={!!query.conversation} onInput={(e) => change({ conversation: e.currentTarget.checked ? conversation : '' })} />
          {t('search_in', { name })}
        </label>
      )}
    </details>
  );
}

function Results({ found, onMore }: { found: Found & { text: string }; onMore: () => void }) {
  const count = `${found.hits.length}${found.more ? '+' : ''}`;
  return (
    <div class="conversations">
      <p class="muted empty" role="status" data-testid="search-status">{found.hits.length > 0 ? t('search_found', { count }) : t('search_none')}</p>
      <ul>
        {found.hits.map((hit) => (
          <Result key={hit.line.message_id} hit={hit} words={found.text} />
        ))}
      </ul>
      {found.more && <button type="button" class="quiet" data-testid="search-more" onClick={onMore}>{t('search_more')}</button>}
    </div>
  );
}

function Result({ hit, words }: { hit: Hit; words: string }) {
  const c = byId(hit.conversation);
  if (!c) return null;
  const text = gist(hit.line.message_type, hit.line.text);
  const show = () => {
    callShown.value = false;
    jumpTo(hit.conversation, hit.line.seq).catch((error: unknown) => notifyFailure(error, { 404: 'err_message_gone' }));
    go(c);
  };
  return (
    <li>
      <button type="button" class="conversation" data-testid="search-hit" data-seq={hit.line.seq} onClick={show}>
        <TargetAvatar target={c} name={c.name} />
        <span class="name ellipsis">{titleOf(c)}</span>
        <time class="muted">{briefly(hit.line.time)}</time>
        <span class="last found">
          {c.kind === 'group' && `${lineAuthor(hit.line)}: `}
          {snippet(text, words).map((piece, at) => (at % 2 === 1 ? <mark key={at}>{piece}</mark> : <span key={at}>{piece}</span>))}
        </span>
      </button>
    </li>
  );
}
