import { fileInfoOf, lookOf, type FileInfo } from '../../chat/fileinfo';
import { parts, type Part } from '../../chat/markup';
import { go } from '../../chat/route';
import { nameOf } from '../../people/people';
import { me } from '../../session/session';
import { t } from '../../text';
import { FileView } from '../files/FileView';

interface Props {
  text: string;
  mentioned: readonly string[];
  /** What is told of its files. */
  files?: readonly FileInfo[];
  /** The conversation it stands in. */
  conversation: string;
}

/** The words of a message, its files, and who is mentioned. Pictures that follow each other stand side by side. */
export function Text({ text, mentioned, files = [], conversation }: Props) {
  const file = (name: string) => <FileView key={name} name={name} told={fileInfoOf(files, name)} conversation={conversation} />;
  const isPicture = (part: Part) => part.kind === 'file' && lookOf(part.name, fileInfoOf(files, part.name)?.content_type) === 'picture';
  return (
    <div class="text">
      {runs(parts(text, mentioned), isPicture).map((run, at) => {
        const names = run.flatMap((part) => (part.kind === 'file' ? [part.name] : []));
        if (run.length > 1) return <div key={at} class="pictures">{names.map(file)}</div>;
        return run.map((part) => (part.kind === 'file' ? file(part.name) : <Piece key={at} part={part} />));
      })}
    </div>
  );
}

/** The parts, each alone but for those that belong together. */
function runs(all: readonly Part[], together: (part: Part) => boolean): Part[][] {
  const found: Part[][] = [];
  for (const part of all) {
    const last = found.at(-1);
    if (last?.[0] && together(last[0]) && together(part)) last.push(part);
    else found.push([part]);
  }
  return found;
}

function Piece({ part }: { part: Exclude<Part, { kind: 'file' }> }) {
  switch (part.kind) {
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
