import { useEffect, useRef } from 'preact/hooks';

interface Props {
  track: MediaStreamTrack;
  label: string;
  mirrored?: boolean;
  /** The whole picture, rather than a filled frame. */
  whole?: boolean;
}

/** A picture. Its sound, if any, is played elsewhere. */
export function Video({ track, label, mirrored, whole }: Props) {
  const element = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (element.current) element.current.srcObject = new MediaStream([track]);
  }, [track]);
  const names = [mirrored ? 'mirrored' : '', whole ? 'whole' : ''].filter(Boolean).join(' ');
  return <video ref={element} class={names} aria-label={label} autoplay playsInline muted disablePictureInPicture />;
}
