import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { soundOn } from '../../call/speaker';
import { t } from '../../text';
import { Icon } from '../Icon';

/** The elements the browser did not let sound, as nobody touched the page yet (after a reload). */
const silenced = signal<ReadonlySet<HTMLAudioElement>>(new Set());

interface Props {
  track: MediaStreamTrack;
  user: string;
  source: string;
}

function play(audio: HTMLAudioElement) {
  audio.play().catch((error: unknown) => {
    if (error instanceof DOMException && error.name === 'NotAllowedError') silenced.value = new Set([...silenced.value, audio]);
  });
}

/** The sound of somebody. */
export function RemoteAudio({ track, user, source }: Props) {
  const element = useRef<HTMLAudioElement>(null);
  useEffect(() => {
    const audio = element.current;
    if (!audio) return undefined;
    audio.srcObject = new MediaStream([track]);
    play(audio);
    const end = soundOn(audio);
    // Phones stop the sound for a call of their own, and of a page put away.
    const resume = () => {
      if (document.visibilityState === 'visible' && audio.paused) play(audio);
    };
    document.addEventListener('visibilitychange', resume);
    window.addEventListener('pageshow', resume);
    return () => {
      document.removeEventListener('visibilitychange', resume);
      window.removeEventListener('pageshow', resume);
      end();
      audio.srcObject = null;
      silenced.value = new Set([...silenced.value].filter((other) => other !== audio));
    };
  }, [track]);
  return <audio ref={element} autoplay data-testid="remote-audio" data-user={user} data-source={source} />;
}

/** Asks for the click that browsers want before they play sound. */
export function HearButton() {
  if (silenced.value.size === 0) return null;
  const hear = () => {
    const all = silenced.value;
    silenced.value = new Set();
    all.forEach(play);
  };
  return (
    <button type="button" class="primary hear" data-testid="hear" onClick={hear}>
      <Icon name="sound" />
      {t('hear')}
    </button>
  );
}
