import { useEffect, useState } from 'preact/hooks';
import { askFile } from '../../chat/files';
import { extensionOf, fitted, type FileInfo } from '../../chat/fileinfo';
import { shownName } from '../../chat/markup';
import { connection } from '../../session/session';
import { t } from '../../text';
import { FileCard, type FileProps } from './FileView';
import { openViewer } from './Viewer';

/** The largest a picture is shown within a conversation, px. */
export const box = { width: 320, height: 320 };
/** A GIF up to so many bytes moves. */
const moving = 4_000_000;

/** A picture of a message, small; it opens large. Its place is kept free before it is there. */
export function PictureView(props: FileProps) {
  const { name, told, conversation } = props;
  const sources = sourcesOf(name, told);
  const [tried, setTried] = useState(0);
  const online = connection.value === 'open';
  useEffect(() => {
    // What could not be had while the server was away is asked for again.
    if (online) setTried(0);
  }, [online]);
  const source = sources[tried];
  if (!source) return <FileCard {...props} />;
  const shape = told?.width && told.height ? fitted(told, box) : undefined;
  return (
    <button type="button" class={shape ? 'picture' : 'picture shapeless'} style={shape && { width: `${shape.width}px`, aspectRatio: `${shape.width} / ${shape.height}` }}
      data-testid="picture" data-name={name} onClick={() => openViewer(conversation, name)}>
      <img key={source} data-testid="image-preview" src={source} width={shape?.width} height={shape?.height} alt={t('picture', { name: shownName(name) })} loading="lazy" decoding="async"
        onError={() => {
          if (tried === sources.length - 1) askFile(name);
          setTried(tried + 1);
        }} />
    </button>
  );
}

/** Where a picture is to be had, the best first. */
function sourcesOf(name: string, told: FileInfo | undefined): string[] {
  const [whole, preview] = [`/files/${name}`, `/files/${name}/preview`];
  const gif = extensionOf(name) === 'gif' && (told?.size ?? moving) < moving;
  return gif && !matchMedia('(prefers-reduced-motion: reduce)').matches ? [whole, preview] : [preview, whole];
}
