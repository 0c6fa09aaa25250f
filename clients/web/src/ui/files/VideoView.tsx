import { useState } from 'preact/hooks';
import { fitted } from '../../chat/fileinfo';
import { shownName } from '../../chat/markup';
import { t } from '../../text';
import { duration } from '../../text/when';
import { FileCard, useAsking, type FileProps } from './FileView';

/** The largest a video is shown within a conversation, px, and its shape where it is not known. */
const box = { width: 360, height: 320 };
const usual = { width: 320, height: 180 };

/** A video of a message. Nothing of it is loaded before it is played; it plays while it loads. */
export function VideoView(props: FileProps) {
  const { name, told } = props;
  const [begun, setBegun] = useState(false);
  const [broken, setBroken] = useState(false);
  useAsking(name);
  if (broken) return <FileCard {...props} note={t('cannot_play')} />;
  const shape = told?.width && told.height ? fitted(told, box) : usual;
  return (
    <div class="video" style={{ width: `${shape.width}px`, aspectRatio: `${shape.width} / ${shape.height}` }} data-testid="video" data-name={name}>
      <video controls preload="none" playsInline src={`/files/${name}`} poster={told?.preview ? `/files/${name}/preview` : undefined} aria-label={t('video', { name: shownName(name) })}
        onPlay={() => setBegun(true)} onError={() => setBroken(true)} />
      {!begun && !!told?.duration_ms && <span class="badge clock">{duration(told.duration_ms)}</span>}
    </div>
  );
}
