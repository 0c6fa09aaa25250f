import { useEffect } from 'preact/hooks';
import { checking, checks, giveUp, look, missing, proceed, switchChecks, switchWish, wish, type Before } from '../../call/before';
import { camera, microphone } from '../../call/local';
import { targetName } from '../../chat/author';
import { me } from '../../session/session';
import { t } from '../../text';
import { PersonAvatar } from '../Avatar';
import { Dialog } from '../Dialog';
import { Icon } from '../Icon';
import { DeviceFields } from './DeviceFields';
import { Video } from './Video';

/** The look at oneself before a call, or from the settings. */
export function BeforeDialog({ of }: { of: Before | 'devices' }) {
  useAllowed();
  const call = of === 'devices' ? undefined : of;
  const title = call ? t(call.joins ? 'before_join' : 'before_call', { who: targetName(call.target) }) : t('devices_title');
  return (
    <Dialog title={title} testid="before-call" class="before" onClose={giveUp}>
      <div class="before-body">
        <div class="look">
          <div class="preview">
            <PersonAvatar account={me.value} large />
            {camera.value ? <Video track={camera.value} mirrored label={t('you')} /> : <p>{t('camera_is_off')}</p>}
            <div class="switches">
              <Switch source="microphone" />
              <Switch source="camera" />
            </div>
          </div>
          <Missing />
        </div>
        <DeviceFields />
      </div>
      <footer>
        <label class="switch">
          <input type="checkbox" data-testid="check-always" checked={checks.value} onChange={(e) => switchChecks(e.currentTarget.checked)} />
          <span>{t('check_always')}</span>
        </label>
        <div class="row end">
          <button type="button" onClick={giveUp}>{t(call ? 'cancel' : 'close')}</button>
          {call && (
            <button type="button" class="primary" data-testid="before-go" autofocus onClick={() => void proceed()}>
              {t(call.joins ? 'join' : 'call_now')}
            </button>
          )}
        </div>
      </footer>
    </Dialog>
  );
}

/** What could not be had, why, and what helps. */
function Missing() {
  if (missing.value.length === 0) return null;
  const refused = missing.value.some((key) => key === 'dev_refused' || key === 'dev_camera_refused' || key === 'dev_microphone_refused');
  return (
    <div class="missing" role="alert" data-testid="device-missing">
      {missing.value.map((key) => (
        <p key={key}>{t(key)}</p>
      ))}
      {refused && <p>{t('how_to_allow')}</p>}
      <button type="button" data-testid="device-again" onClick={() => void look()}>{t('try_again')}</button>
    </div>
  );
}

function Switch({ source }: { source: 'microphone' | 'camera' }) {
  const there = source === 'camera' ? camera.value : microphone.value;
  const on = wish.value[source] && (!!there || missing.value.length === 0);
  const text = t(source === 'camera' ? (on ? 'camera_off' : 'camera_on') : on ? 'mute' : 'unmute');
  return (
    <button type="button" class={on ? 'control' : 'control off'} data-testid={`before-${source}`} data-on={on ? 'yes' : 'no'} aria-label={text} title={text} onClick={() => void switchWish(source)}>
      <Icon name={on ? source : `${source}Off`} />
    </button>
  );
}

/** Tries again as soon as somebody allows what was refused. */
function useAllowed() {
  useEffect(() => {
    const ends: (() => void)[] = [];
    let over = false;
    for (const name of ['camera', 'microphone'] as const) {
      navigator.permissions.query({ name }).then(
        (status) => {
          const change = () => status.state === 'granted' && missing.peek().length > 0 && checking.peek() && void look();
          if (!over) status.addEventListener('change', change);
          ends.push(() => status.removeEventListener('change', change));
        },
        () => undefined, // a browser that does not tell; there is a button
      );
    }
    return () => {
      over = true;
      ends.forEach((end) => end());
    };
  }, []);
}
