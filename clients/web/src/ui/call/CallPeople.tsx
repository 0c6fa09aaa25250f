import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { removeFrom, silence } from '../../call/people';
import { active, cells, type Active, type Participant, type Source } from '../../call/state';
import { isGuest } from '../../people/guests';
import { nameOf } from '../../people/people';
import { me } from '../../session/session';
import { t } from '../../text';
import { PersonAvatar } from '../Avatar';
import { confirmed } from '../Confirm';
import { Dialog } from '../Dialog';
import { Icon } from '../Icon';
import { Menu, MenuItem, spotOf, type Spot } from '../Menu';
import { notifyFailure } from '../notice';
import { GuestLinks } from './GuestLinks';
import { InvitePeople } from './InvitePeople';

const shown = signal(false);
const chosen = signal<{ person: Participant; at: Spot } | undefined>(undefined);

function close() {
  shown.value = false;
  chosen.value = undefined;
}

/** The button that shows who is in the call. */
export function CallPeopleButton() {
  return (
    <button type="button" class="icon-button" data-testid="call-people" aria-label={t('call_people')} title={t('call_people')} onClick={() => (shown.value = true)}>
      <Icon name="newGroup" />
    </button>
  );
}

/** Who is in the call: where one invites, makes links, mutes and removes. */
export function CallPeople() {
  const call = active.value;
  const inCall = !!call;
  useEffect(() => {
    if (!inCall) close(); // another call begins with it closed
  }, [inCall]);
  if (!call || !shown.value) return null;
  // Who opened it may have left the group, and somebody else moderates the call since.
  const moderator = call.moderator || cells.value.get(call.connection_key)?.user_account === me.value;
  return (
    <Dialog title={t('call_people')} testid="call-people-dialog" class="call-people" onClose={close}>
      <ul class="members" aria-label={t('call_people')}>
        <li>
          <PersonAvatar account={me.value} />
          <span class="ellipsis">{isGuest(me.value) ? t('you') : `${nameOf(me.value)} (${t('you')})`}</span>
        </li>
        {[...call.participants.values()].map((p) => (
          <Person key={p.participant} person={p} moderator={moderator} />
        ))}
      </ul>
      {!isGuest(me.value) && <InvitePeople call={call} />}
      {moderator && <GuestLinks call={call} />}
      {chosen.value && <PersonMenu call={call} person={chosen.value.person} at={chosen.value.at} />}
    </Dialog>
  );
}

function Person({ person, moderator }: { person: Participant; moderator: boolean }) {
  const who = nameOf(person.user_account);
  const muted = person.tracks.microphone?.muted ?? true;
  return (
    <li data-testid="call-person" data-user={person.user_account}>
      <PersonAvatar account={person.user_account} />
      <span class="ellipsis">{who}</span>
      {muted && (
        <span role="img" aria-label={t('muted')} title={t('muted')}>
          <Icon name="microphoneOff" />
        </span>
      )}
      {moderator && person.user_account !== me.value && (
        <button type="button" class="icon-button" data-testid="call-person-menu" aria-haspopup="menu" aria-label={t('call_person_menu', { who })} onClick={(e) => (chosen.value = { person, at: spotOf(e.currentTarget) })}>
          <Icon name="more" />
        </button>
      )}
    </li>
  );
}

function PersonMenu({ call, person, at }: { call: Active; person: Participant; at: Spot }) {
  const done = () => (chosen.value = undefined);
  const { tracks } = call.participants.get(person.participant) ?? person;
  const on = (source: Source) => tracks[source]?.muted === false;
  const mute = (...sources: Source[]) => () => {
    done();
    for (const source of sources.filter(on)) silence(call, person.participant, source).catch(told);
  };
  return (
    <Menu at={at} label={t('call_person_menu', { who: nameOf(person.user_account) })} onClose={done}>
      {on('microphone') && <MenuItem testid="mute-person" icon="microphoneOff" text="mute_person" act={mute('microphone')} />}
      {on('camera') && <MenuItem testid="stop-camera" icon="cameraOff" text="stop_camera" act={mute('camera')} />}
      {on('screen') && <MenuItem testid="stop-screen" icon="screenOff" text="stop_screen" act={mute('screen_audio', 'screen')} />}
      <MenuItem testid="remove-person" icon="hangUp" text="remove_person" danger act={() => { done(); void remove(call, person); }} />
    </Menu>
  );
}

const told = (error: unknown) => notifyFailure(error, { 403: 'err_no_rights', 404: 'err_gone' });

async function remove(call: Active, { participant, user_account }: Participant): Promise<void> {
  const who = nameOf(user_account);
  if (await confirmed('remove_person', isGuest(user_account) ? 'remove_guest_ask' : 'remove_person_ask', { who })) await removeFrom(call, participant).catch(told);
}
