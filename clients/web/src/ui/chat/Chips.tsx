import { react, reacted } from '../../chat/actions';
import type { Conversation, Line } from '../../chat/line';
import type { Reaction } from '../../chat/reactions';
import { nameOf } from '../../people/people';
import { t } from '../../text';
import { notifyFailure } from '../notice';

/** The reactions to a message; a click adds mine or takes it back. */
export function Chips({ line, c }: { line: Line; c: Conversation }) {
  if (line.reactions.length === 0) return null;
  return (
    <div class="chips">
      {line.reactions.map((r) => (
        <button key={r.reaction} type="button" class="chip" aria-pressed={r.mine} data-testid="reaction" data-reaction={r.reaction} data-count={r.count}
          aria-label={t('reaction_chip', { reaction: r.reaction, count: r.count })} title={whoOf(line, r)}
          onClick={() => react(c.conversation, line, r.reaction, !r.mine).catch((error: unknown) => notifyFailure(error, { 404: 'err_message_gone' }))}>
          <span>{r.reaction}</span>
          <span>{r.count}</span>
        </button>
      ))}
    </div>
  );
}

/** Who reacted so, where that is known. */
function whoOf(line: Line, r: Reaction): string | undefined {
  const who = reacted.value.get(line.message_id)?.filter((one) => one.reaction === r.reaction) ?? [];
  return who.length > 0 ? who.map((one) => nameOf(one.user_account)).join(t('list_separator')) : undefined;
}
