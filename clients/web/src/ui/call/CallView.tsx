import { useEffect, useState } from 'preact/hooks';
import { peer } from '../../call/active';
import { camera } from '../../call/local';
import { online } from '../../call/online';
import { quality } from '../../call/quality';
import { active, type Active } from '../../call/state';
import { targetName } from '../../chat/author';
import { keyOf, unread } from '../../chat/line';
import { conversations } from '../../chat/store';
import { connection } from '../../session/session';
import { t, type TextKey } from '../../text';
import { duration } from '../../text/when';
import { Icon } from '../Icon';
import { CallPeopleButton } from './CallPeople';
import { Controls } from './Controls';
import { DeviceDialog } from './DeviceDialog';
import { NoMedia } from './NoMedia';
import { HearButton, RemoteAudio } from './RemoteAudio';
import { chatSeen, toggleChat } from './shown';
import { Stage } from './Stage';
import { StatisticsDialog } from './StatisticsDialog';
import { statusOf } from './status';
import { AskForCamera } from './AskForCamera';

/** The call one is in. */
export function CallView() {
  const call = active.value;
  if (!call) return null;
  const name = targetName(call.target);
  return (
    <section class="call" data-testid="call-view" data-phase={call.phase} aria-label={t('call_with', { name })}>
      <header class="bar">
        <div class="who">
          <h1 class="ellipsis">{name}</h1>
          <small>
            <span role="status" data-testid="call-status">{t(wordsOf(call))}</span>
            {call.since > 0 && <CallClock since={call.since} />}
          </small>
          <small role="status" data-testid="call-quality">{quality.value && t(quality.value)}</small>
        </div>
        <CallPeopleButton />
        <ChatButton call={call} />
      </header>
      <div class="call-stage">
        <Stage call={call} />
        <AskForCamera call={call} />
        <NoMedia />
      </div>
      <Sounds call={call} />
      <HearButton />
      <Controls />
      <DeviceDialog />
      <StatisticsDialog />
    </section>
  );
}

/** The call's own conversation, beside the call or in its place, with a mark for what one has not read there. */
function ChatButton({ call }: { call: Active }) {
  const c = conversations.value.get(keyOf(call.target));
  const count = c ? unread(c) : 0;
  return (
    <button type="button" class="quiet chat-button" data-testid="to-chat" aria-expanded={chatSeen.value} onClick={toggleChat}>
      <Icon name="chat" />
      {t('to_chat')}
      {count > 0 && <span class="badge" role="img" data-testid="call-unread" aria-label={t('unread', { count })}>{count > 99 ? '99+' : count}</span>}
    </button>
  );
}

function wordsOf(call: Active): TextKey {
  return statusOf({ call, online: online.value, connected: connection.value === 'open', camera: !!camera.value });
}

/** How long one has been in the call with somebody. */
function CallClock({ since }: { since: number }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return <span class="clock" role="timer" data-testid="call-timer"> · {duration(Math.max(0, now - since))}</span>;
}

function Sounds({ call }: { call: Active }) {
  return (
    <>
      {[...call.participants.values()].flatMap(({ participant, user_account, tracks }) =>
        (['microphone', 'screen_audio'] as const).map((source) => {
          const mid = tracks[source]?.mid;
          const track = mid ? peer.value?.trackOf(mid) : undefined;
          return track && <RemoteAudio key={`${participant} ${source} ${track.id}`} track={track} user={user_account} source={source} />;
        }),
      )}
    </>
  );
}
