import { useState } from 'preact/hooks';
import { leaveCall, toggleCamera, toggleMicrophone, toggleScreen, turnToVoice } from '../../call/active';
import { camera, microphoneOn, screen } from '../../call/local';
import { soundOnly } from '../../call/state';
import { switchView, view } from '../../call/view';
import { t, type TextKey } from '../../text';
import { Icon, type IconName } from '../Icon';
import { Menu, MenuItem, spotOf, type Spot } from '../Menu';
import { canPip, pipOpen, togglePip } from './pip';
import { devicesShown, statisticsShown } from './shown';

/** What one does in a call. */
export function Controls() {
  const mic = microphoneOn.value;
  const cam = !!camera.value;
  const sharing = !!screen.value;
  const [menu, setMenu] = useState<Spot>();
  return (
    <div class="controls" role="toolbar" aria-label={t('call_controls')}>
      <Control testid="toggle-mic" on={mic} icon={mic ? 'microphone' : 'microphoneOff'} text={mic ? 'mute' : 'unmute'} act={() => void toggleMicrophone()} />
      <Control testid="toggle-camera" on={cam} icon={cam ? 'camera' : 'cameraOff'} text={cam ? 'camera_off' : 'camera_on'} act={() => void toggleCamera()} />
      <Control testid="toggle-screen" on={!sharing} icon={sharing ? 'screenOff' : 'screen'} text={sharing ? 'screen_off' : 'screen_on'} act={() => void toggleScreen()} />
      <Control testid="call-more" on icon="more" text="more" menu act={(e) => setMenu(spotOf(e.currentTarget))} />
      <Control testid="leave-call" danger on icon="hangUp" text="leave_call" act={() => void leaveCall()} />
      {menu && <MoreMenu at={menu} onClose={() => setMenu(undefined)} />}
    </div>
  );
}

function MoreMenu({ at, onClose }: { at: Spot; onClose: () => void }) {
  const then = (act: () => void) => () => {
    onClose();
    act();
  };
  const grid = view.value === 'grid';
  return (
    <Menu at={at} label={t('more')} onClose={onClose}>
      <MenuItem testid="switch-view" icon={grid ? 'speakerView' : 'grid'} text={grid ? 'view_speaker' : 'view_grid'} act={then(switchView)} />
      {!soundOnly.value && <MenuItem testid="turn-to-voice" icon="phone" text="turn_to_voice" act={then(turnToVoice)} />}
      {soundOnly.value && <MenuItem testid="turn-to-video" icon="camera" text="turn_to_video" act={then(() => (soundOnly.value = false))} />}
      {canPip && <MenuItem testid="call-pip" icon="pip" text={pipOpen.value ? 'pip_close' : 'pip'} act={then(() => void togglePip())} />}
      <MenuItem testid="call-devices" icon="settings" text="devices_title" act={then(() => (devicesShown.value = true))} />
      <MenuItem testid="call-statistics" icon="bars" text="statistics" act={then(() => (statisticsShown.value = true))} />
    </Menu>
  );
}

interface ControlProps {
  testid: string;
  icon: IconName;
  text: TextKey;
  /** In its usual state; otherwise it stands out. */
  on: boolean;
  danger?: boolean;
  /** It opens a menu. */
  menu?: boolean;
  act: (event: { currentTarget: HTMLButtonElement }) => void;
}

function Control({ testid, icon, text, on, danger, menu, act }: ControlProps) {
  const name = ['control', on ? '' : 'off', danger ? 'danger' : ''].filter(Boolean).join(' ');
  return (
    <button type="button" class={name} data-testid={testid} data-on={on ? 'yes' : 'no'} aria-haspopup={menu ? 'menu' : undefined} aria-label={t(text)} title={t(text)} onClick={act}>
      <Icon name={icon} />
    </button>
  );
}
