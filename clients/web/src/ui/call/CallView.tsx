import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { leaveCall, peer, toggleCamera, toggleMicrophone, toggleScreen } from '../../call/active';
import { camera, microphoneOn, screen } from '../../call/local';
import { quality } from '../../call/quality';
import { active, type Active } from '../../call/state';
import { targetName } from '../../chat/author';
import { connection } from '../../session/session';
import { t, type TextKey } from '../../text';
import { duration } from '../../text/when';
import { Icon, type IconName } from '../Icon';
import { CallPeopleButton } from './CallPeople';
import { NoMedia } from './NoMedia';
import { HearButton, RemoteAudio } from './RemoteAudio';
import { callShown } from './shown';
import { columnsFor, tilesOf } from './tiles';
import { SelfTile, Tile } from './Tile';

/** The call one is in. */
export function CallView() {
  const call = active.value;
  const { box, size } = useSize();
  if (!call) return null;
  const tiles = tilesOf(call.participants);
  const name = targetName(call.target);
  const screens = tiles.filter((tile) => tile.source === 'screen').length;
  const count = tiles.length + (screen.value ? 2 : 1);
  return (
    <section class="call" data-testid="call-view" data-phase={call.phase} aria-label={t('call_with', { name })}>
      <header class="bar">
        <div class="who">
          <h1 class="ellipsis">{name}</h1>
          <small>
            <span role="status">{t(statusOf(call))}</span>
            {call.since > 0 && <CallClock since={call.since} />}
          </small>
          <small role="status" data-testid="call-quality">{quality.value && t(quality.value)}</small>
        </div>
        <CallPeopleButton />
        <button type="button" class="quiet only-narrow" data-testid="to-chat" onClick={() => (callShown.value = false)}>
          <Icon name="chat" />
          {t('to_chat')}
        </button>
      </header>
      <div class="stage">
        <div ref={box} class={screens > 0 ? 'tiles sharing' : 'tiles'} style={{ '--columns': columnsFor(count, size.width, size.height), '--people': Math.max(1, Math.min(count - screens, Math.floor(size.width / 100))) }}>
          {tiles.map((tile) => (
            <Tile key={`${tile.participant} ${tile.source === 'screen' ? 'screen' : ''}`} tile={tile} />
          ))}
          <SelfTile />
          {screen.value && <SelfTile key="screen" shared={screen.value} />}
        </div>
        <NoMedia />
      </div>
      <Sounds call={call} />
      <HearButton />
      <Controls />
    </section>
  );
}

function statusOf(call: Active): TextKey {
  if (call.phase === 'joining') return 'joining';
  if (call.phase === 'healing' || connection.value !== 'open') return 'reconnecting';
  return call.participants.size === 0 ? (call.met ? 'waiting_for_others' : 'ringing') : call.kind === 'videocall' ? 'call_video' : 'call_voice';
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

/** The size of an element, px, as it changes. */
function useSize() {
  const box = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState({ width: 1, height: 1 });
  useLayoutEffect(() => {
    const el = box.current;
    if (!el) return undefined;
    const measure = () => setSize({ width: el.clientWidth, height: el.clientHeight });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(el);
    return () => observer.disconnect();
  }, []);
  return { box, size };
}

function Sounds({ call }: { call: Active }) {
  return (
    <>
      {[...call.participants.values()].map((p) => {
        const mid = p.tracks.microphone?.mid;
        const track = mid ? peer.value?.trackOf(mid) : undefined;
        return track && <RemoteAudio key={`${p.participant} ${track.id}`} track={track} user={p.user_account} source="microphone" />;
      })}
    </>
  );
}

function Controls() {
  const mic = microphoneOn.value;
  const cam = !!camera.value;
  const sharing = !!screen.value;
  return (
    <div class="controls" role="toolbar" aria-label={t('call_controls')}>
      <Control testid="toggle-mic" on={mic} icon={mic ? 'microphone' : 'microphoneOff'} text={mic ? 'mute' : 'unmute'} act={toggleMicrophone} />
      <Control testid="toggle-camera" on={cam} icon={cam ? 'camera' : 'cameraOff'} text={cam ? 'camera_off' : 'camera_on'} act={toggleCamera} />
      <Control testid="toggle-screen" on={!sharing} icon={sharing ? 'screenOff' : 'screen'} text={sharing ? 'screen_off' : 'screen_on'} act={toggleScreen} />
      <Control testid="leave-call" danger on icon="hangUp" text="leave_call" act={leaveCall} />
    </div>
  );
}

interface ControlProps {
  testid: string;
  icon: IconName;
  text: TextKey;
  /** In its usual state; otherwise it stands out. */
  on: boolean;
  danger?: boolean;
  act: () => Promise<void>;
}

function Control({ testid, icon, text, on, danger, act }: ControlProps) {
  const name = ['control', on ? '' : 'off', danger ? 'danger' : ''].filter(Boolean).join(' ');
  return (
    <button type="button" class={name} data-testid={testid} data-on={on ? 'yes' : 'no'} aria-label={t(text)} title={t(text)} onClick={() => void act()}>
      <Icon name={icon} />
    </button>
  );
}
