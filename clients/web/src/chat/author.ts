import { nameOf } from '../people/people';
import { me } from '../session/session';
import { t } from '../text';
import { keyOf, type Conversation, type Line, type Target } from './line';
import { summary } from './markup';
import { conversations } from './store';

/** What the author of a line is called. */
export function lineAuthor(line: Line): string {
  return line.user_account === me.value ? t('you') : nameOf(line.user_account);
}

/** A message in one line: its words, or what it is. */
export function gist(message_type: string, text: string): string {
  switch (message_type) {
    case 'voice':
      return t('last_voice');
    case 'deleted':
      return t('last_deleted');
    case 'call_record':
      return t('last_call');
    case 'member_record':
      return t('last_member');
    default:
      return summary(text, t('file'));
  }
}

/** What a conversation is called. */
export function titleOf(c: Conversation): string {
  return c.kind === 'pair' ? nameOf(c.id) : c.name || c.id;
}

/** What somebody or a group one calls is called. */
export function targetName(target: Target): string {
  return target.kind === 'pair' ? nameOf(target.id) : (conversations.value.get(keyOf(target))?.name ?? target.id);
}
