import { parts, type Part } from '../../chat/markup';
import { go } from '../../chat/route';
import { nameOf } from '../../people/people';
import { me } from '../../session/session';
import { t } from '../../text';
import { FileView } from './FileView';

/** The words of a message, its files, and who is mentioned. */
export function Text({ text, mentioned }: { text: string; mentioned: readonly string[] }) {
  return (
    <div class="text">
      {parts(text, mentioned).map((part, at) => (
        <Piece key={at} part={part} />
      ))}
    </div>
  );
}

function Piece({ part }: { part: Part }) {
  switch (part.kind) {
    case 'file':
      return <FileView name={part.name} />;
    case 'words':
      return <span>{part.text}</span>;
    case 'mention':
      return <Mention account={part.account} />;
    case 'link':
      return (
        <a href={part.url} target="_blank" rel="noopener noreferrer">
          {part.url}
        </a>
      );
  }
}

function Mention({ account }: { account: string }) {
  if (account === 'all' || account === me.value) {
    return <strong class="mention me" data-testid="mention">@{account === 'all' ? t('mention_all') : nameOf(account)}</strong>;
  }
  return (
    <button type="button" class="mention" data-testid="mention" tabIndex={-1} onClick={() => go({ kind: 'pair', id: account })}>
      @{nameOf(account)}
    </button>
  );
}
