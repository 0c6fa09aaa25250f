import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { lineAuthor } from '../../chat/author';
import { files } from '../../chat/files';
import { fetchEarlier } from '../../chat/history';
import { shownName } from '../../chat/markup';
import { picturesIn, type Shown } from '../../chat/pictures';
import { timelines } from '../../chat/store';
import { t } from '../../text';
import { lately } from '../../text/when';
import { Dialog } from '../Dialog';
import { Icon } from '../Icon';
import { Stage } from './Stage';

const viewed = signal<{ conversation: string; name: string } | undefined>(undefined);

/** Shows a picture as large as the window; one can leaf through those of its conversation. */
export function openViewer(conversation: string, name: string): void {
  viewed.value = { conversation, name };
}

/** The picture looked at, while one does. */
export function Viewer() {
  if (!viewed.value) return null;
  const { conversation, name } = viewed.value;
  const all = picturesIn(timelines.value.get(conversation)?.lines ?? []).filter((p) => files.value.get(p.name) !== 'gone');
  const at = all.findIndex((p) => p.name === name);
  return <Open key={conversation} conversation={conversation} name={name} all={all} at={at} />;
}

function Open({ conversation, name, all, at }: { conversation: string; name: string; all: readonly Shown[]; at: number }) {
  const close = () => (viewed.value = undefined);
  const to = (next: number) => {
    const picture = all[next];
    if (picture) viewed.value = { conversation, name: picture.name };
  };
  useEffect(() => {
    if (at === 0) fetchEarlier(conversation).catch(() => undefined);
  }, [conversation, at]);
  const shown = all[at];
  const title = shownName(name);
  return (
    <Dialog
      title={title}
      testid="viewer"
      class="viewer"
      onClose={close}
      actions={
        <a class="icon-button" href={`/files/${name}`} download={title} data-testid="viewer-download" aria-label={t('download_of', { name: title })} title={t('download')}>
          <Icon name="download" />
        </a>
      }
    >
      <Stage key={name} name={name} told={shown?.told} onLeaf={(step) => to(at + step)} />
      <footer>
        <button type="button" class="icon-button" data-testid="viewer-previous" aria-label={t('picture_previous')} title={t('picture_previous')} aria-disabled={at <= 0} onClick={() => to(at - 1)}>
          <Icon name="back" />
        </button>
        <p role="status" data-testid="viewer-status">
          {shown && <span class="ellipsis" data-ellipsis>{`${lineAuthor(shown.line)}, ${lately(shown.line.time)}`}</span>}
          {all.length > 1 && at >= 0 && <small>{t('picture_count', { at: at + 1, count: all.length })}</small>}
        </p>
        <button type="button" class="icon-button" data-testid="viewer-next" aria-label={t('picture_next')} title={t('picture_next')} aria-disabled={at < 0 || at === all.length - 1} onClick={() => to(at + 1)}>
          <Icon name="forward" />
        </button>
      </footer>
    </Dialog>
  );
}
