import { useState } from 'preact/hooks';
import { byteCount, shownName } from '../../chat/markup';
import { t } from '../../text';
import { duration } from '../../text/when';
import { Icon } from '../Icon';
import { FileCard, useAsking, type FileProps } from './FileView';

/** A file of sound, with a player. */
export function SoundView(props: FileProps) {
  const { name, told } = props;
  const [broken, setBroken] = useState(false);
  useAsking(name);
  if (broken) return <FileCard {...props} note={t('cannot_play')} />;
  const shown = shownName(name);
  const facts = [told?.duration_ms ? duration(told.duration_ms) : '', told ? byteCount(told.size) : ''].filter(Boolean);
  return (
    <div class="sound" data-testid="sound" data-name={name}>
      <div class="sound-of">
        <Icon name="sound" />
        <span class="name">
          <span class="ellipsis" data-ellipsis>{shown}</span>
          <small class="muted">{facts.join(' · ') || t('kind_audio')}</small>
        </span>
        <a class="icon-button" href={`/files/${name}`} download={shown} aria-label={t('download_of', { name: shown })} title={t('download')}>
          <Icon name="download" />
        </a>
      </div>
      <audio controls preload="none" src={`/files/${name}`} aria-label={shown} onError={() => setBroken(true)} />
    </div>
  );
}
