import { useState } from 'preact/hooks';
import { answer, ask, block, blocked, end, friends } from '../../people/friends';
import { nameOf } from '../../people/people';
import { me } from '../../session/session';
import { t } from '../../text';
import { confirmed } from '../Confirm';
import { Icon } from '../Icon';
import { notifyFailure } from '../notice';

/** What one can do about somebody: friendship and blocking. */
export function PersonDetails({ account }: { account: string }) {
  if (account === me.value) return null;
  const shut = blocked.value.has(account);
  return (
    <>
      <p class="muted account" data-testid="details-account">{account}</p>
      {!shut && <Friendship key={account} account={account} />}
      <button type="button" class="wide-button danger quiet" data-testid={shut ? 'unblock' : 'block'} onClick={() => void setBlocked(account, !shut)}>
        {t(shut ? 'unblock' : 'block')}
      </button>
    </>
  );
}

async function setBlocked(account: string, on: boolean): Promise<void> {
  if (on && !(await confirmed('block', 'block_ask', { who: nameOf(account) }))) return;
  await block(account, on).catch(notifyFailure);
}

const tell = (account: string) => (error: unknown) => notifyFailure(error, { 403: 'err_blocked', 404: 'err_no_question' }, { who: nameOf(account) });

function Friendship({ account }: { account: string }) {
  const friend = friends.value.get(account);
  if (!friend) return <AskForm account={account} />;
  switch (friend.state) {
    case 'asked':
      return (
        <section class="stack" data-testid="friend-state" data-state="asked">
          <p class="muted">{t('waits_for_answer')}</p>
          <button type="button" data-testid="take-back" onClick={() => end(account).catch(tell(account))}>{t('take_back')}</button>
        </section>
      );
    case 'asking':
      return <Question account={account} text={friend.text} />;
    case 'accepted':
      return (
        <section class="stack" data-testid="friend-state" data-state="accepted">
          <p class="with-icon"><Icon name="check" /> {t('are_friends')}</p>
          <button type="button" data-testid="end-friendship" onClick={() => void endFriendship(account)}>{t('end_friendship')}</button>
        </section>
      );
  }
}

async function endFriendship(account: string): Promise<void> {
  if (await confirmed('end_friendship', 'end_friendship_ask', { who: nameOf(account) })) await end(account).catch(tell(account));
}

/** Somebody asks to be friends. */
export function Question({ account, text }: { account: string; text: string }) {
  return (
    <section class="question" data-testid="question" data-user={account}>
      <p>
        <strong>{nameOf(account)}</strong> {t('asks_to_be_friends')}
      </p>
      {text && <p class="quote">{text}</p>}
      <div class="row">
        <button type="button" class="primary" data-testid="accept-friend" onClick={() => answer(account, true).catch(tell(account))}>{t('accept_friend')}</button>
        <button type="button" data-testid="refuse-friend" onClick={() => answer(account, false).catch(tell(account))}>{t('refuse_friend')}</button>
      </div>
    </section>
  );
}

function AskForm({ account }: { account: string }) {
  const [open, setOpen] = useState(false);
  const [text, setText] = useState('');
  if (!open) {
    return (
      <button type="button" class="wide-button" data-testid="add-friend" onClick={() => setOpen(true)}>
        <Icon name="newGroup" />
        <span>{t('add_friend')}</span>
      </button>
    );
  }
  return (
    <form
      class="stack"
      onSubmit={(e) => {
        e.preventDefault();
        ask(account, text.trim()).catch(tell(account));
      }}
    >
      <label>
        <span>{t('add_friend_text')}</span>
        <input data-testid="friend-text" value={text} maxLength={60} autocomplete="off" autofocus onInput={(e) => setText(e.currentTarget.value)} />
      </label>
      <div class="row">
        <button class="primary" data-testid="send-question">{t('send_question')}</button>
        <button type="button" onClick={() => setOpen(false)}>{t('cancel')}</button>
      </div>
    </form>
  );
}
