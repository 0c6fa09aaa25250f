import { t, type TextKey } from '../text';
import { en } from '../text/en';
import { duration } from '../text/when';
import { nameOf } from '../people/people';
import { me } from '../session/session';
import { missedCall, type Line } from './line';

/** What a member_record or call_record says. One this client does not know says nothing. */
export function recordText(line: Line): string {
  const friends = line.friends
    .split(',')
    .filter((account) => account && account !== line.user_account)
    .map((account) => (account === me.value ? t('you_inside') : nameOf(account)))
    .join(t('list_separator'));
  const params = { who: nameOf(line.user_account), friends, duration: duration(line.duration_ms) };
  const what = whatOf(line, friends);
  const own = `record_own_${what}`;
  const key = `record_${what}`;
  if (line.user_account === me.value && isKey(own)) return t(own, params);
  return isKey(key) ? t(key, params) : '';
}

function whatOf(line: Line, friends: string): string {
  if (line.message_type === 'call_record' && missedCall(line, line.user_account, me.value)) return `${line.call || 'call'}_missed`;
  if (line.message_type === 'call_record') return `${line.call || 'call'}_${line.outcome}`;
  if (line.event === 'permissions') return `permissions_${line.permissions}`;
  return line.event + (line.event === 'created' && friends ? '_with' : '');
}

function isKey(key: string): key is TextKey {
  return key in en;
}
