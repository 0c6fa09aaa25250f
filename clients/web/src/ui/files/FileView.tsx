import { useEffect } from 'preact/hooks';
import { askFile, files } from '../../chat/files';
import { kindOf, lookOf, type FileInfo } from '../../chat/fileinfo';
import { byteCount, shownName } from '../../chat/markup';
import { connection } from '../../session/session';
import { t } from '../../text';
import { Icon } from '../Icon';
import { PictureView } from './PictureView';
import { SoundView } from './SoundView';
import { VideoView } from './VideoView';

/** What the views of a file take. */
export interface FileProps {
  /** NAME. */
  name: string;
  /** What its message tells of it. */
  told?: FileInfo;
  /** The conversation it stands in, whose pictures one can leaf through. */
  conversation: string;
}

/** A file of a message: a picture, a video or sound is shown, others are a card. */
export function FileView(props: FileProps) {
  const { name, told } = props;
  const known = files.value.get(name) ?? told;
  if (known === 'gone') return <GoneFile name={name} />;
  switch (lookOf(name, known?.content_type)) {
    case 'picture':
      return <PictureView {...props} told={known} />;
    case 'video':
      return <VideoView {...props} told={known} />;
    case 'audio':
      return <SoundView {...props} told={known} />;
    case 'card':
      return <FileCard {...props} told={known} />;
  }
}

/** A file as a card: its name, what kind it is and how large, to be downloaded. `note` says why it is not shown. */
export function FileCard({ name, told, note }: FileProps & { note?: string }) {
  useAsking(name);
  const known = files.value.get(name) ?? told;
  if (known === 'gone') return <GoneFile name={name} />;
  const facts = [t(kindOf(name)), known ? byteCount(known.size) : '', note].filter(Boolean);
  return (
    <a class="file" href={`/files/${name}`} download={shownName(name)} data-testid="file-link" data-name={name}>
      <Icon name="file" />
      <span class="name">
        <span class="ellipsis">{shownName(name)}</span>
        <small class="muted">{facts.join(' · ')}</small>
      </span>
      <Icon name="download" />
    </a>
  );
}

/** What is left of a file that is no longer there. */
export function GoneFile({ name }: { name: string }) {
  return (
    <div class="file gone" data-testid="file-gone" data-name={name}>
      <Icon name="fileGone" />
      <span class="name">
        <span class="ellipsis" data-ellipsis>{shownName(name)}</span>
        <small class="muted">{t('file_gone')}</small>
      </span>
    </div>
  );
}

/** Asks whether a file is still there, and what it is. */
export function useAsking(name: string): void {
  const online = connection.value === 'open';
  useEffect(() => {
    if (online) askFile(name);
  }, [name, online]);
}
