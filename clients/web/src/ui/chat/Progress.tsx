import type { Conversation, Line } from '../../chat/line';
import { receipts } from '../../chat/receipts';
import { progressOf, readersOf, type Receipt } from '../../chat/watermarks';
import { nameOf } from '../../people/people';
import { t } from '../../text';
import { Icon } from '../Icon';

const nobody: ReadonlyMap<string, Receipt> = new Map();

/** How far a message of mine has come: one tick, two, two in colour. */
export function ProgressMark({ line, c }: { line: Line; c: Conversation }) {
  const progress = progressOf(line.seq, (receipts.value.get(c.conversation) ?? nobody).values());
  const text = t(`progress_${progress}`);
  return (
    <span class={`progress ${progress}`} role="img" aria-label={text} title={text} data-testid="progress" data-progress={progress}>
      <Icon name={progress === 'sent' ? 'check' : 'checks'} />
    </span>
  );
}

/** Under the last message of mine in a small group: who has read it. */
export function Readers({ line, c }: { line: Line; c: Conversation }) {
  const readers = readersOf(line.seq, receipts.value.get(c.conversation) ?? nobody);
  if (readers.length === 0) return null;
  const names = readers.map(nameOf).join(t('list_separator'));
  return (
    <p class="readers muted" data-testid="readers">
      {readers.length > 4 ? t('read_by_count', { count: readers.length }) : t('read_by', { names })}
    </p>
  );
}
