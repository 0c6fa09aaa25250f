import { useEffect, useRef } from 'preact/hooks';
import { show } from '../../call/sizes';

interface Props {
  track: MediaStreamTrack;
  label: string;
  mirrored?: boolean;
  /** The whole picture, rather than a filled frame. */
  whole?: boolean;
  /** Whose it is, of the others. */
  of?: { participant: string; source: 'camera' | 'screen' };
}

/** A picture. Its sound, if any, is played elsewhere. */
export function Video({ track, label, mirrored, whole, of }: Props) {
  const element = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (element.current) element.current.srcObject = new MediaStream([track]);
  }, [track]);
  const { participant, source } = of ?? {};
  useEffect(() => {
    if (!participant || !source || !element.current) return undefined;
    return show(participant, source, element.current, !!whole);
  }, [participant, source, whole]);
  const names = [mirrored ? 'mirrored' : '', whole ? 'whole' : ''].filter(Boolean).join(' ');
  return <video ref={element} class={names} aria-label={label} autoplay playsInline muted disablePictureInPicture />;
}
