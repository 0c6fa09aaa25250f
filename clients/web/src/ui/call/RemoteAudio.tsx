import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { t } from '../../text';
import { Icon } from '../Icon';

/** The elements the browser did not let sound, as nobody touched the page yet (after a reload). */
const silenced = signal<ReadonlySet<HTMLAudioElement>>(new Set());

interface Props {
  track: MediaStreamTrack;
  user: string;
  source: string;
}

/** The sound of somebody. */
export function RemoteAudio({ track, user, source }: Props) {
  const element = useRef<HTMLAudioElement>(null);
  useEffect(() => {
    const audio = element.current;
    if (!audio) return undefined;
    audio.srcObject = new MediaStream([track]);
    audio.play().catch((error: unknown) => {
      if (error instanceof DOMException && error.name === 'NotAllowedError') silenced.value = new Set([...silenced.value, audio]);
    });
    return () => {
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
    silenced.value.forEach((audio) => void audio.play());
    silenced.value = new Set();
  };
  return (
    <button type="button" class="primary hear" data-testid="hear" onClick={hear}>
      <Icon name="sound" />
      {t('hear')}
    </button>
  );
}
