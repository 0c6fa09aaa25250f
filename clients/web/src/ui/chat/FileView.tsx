import { useEffect, useState } from 'preact/hooks';
import { byteCount, isImage, shownName } from '../../chat/markup';
import { t } from '../../text';
import { Icon } from '../Icon';

/** Sizes asked for, by NAME. A file never changes. */
const sizes = new Map<string, Promise<number>>();

/** A file of a message: a picture is shown, others are a link. */
export function FileView({ name }: { name: string }) {
  const [broken, setBroken] = useState(false);
  const url = `/files/${name}`;
  const shown = shownName(name);
  if (isImage(name) && !broken) {
    return (
      <a class="picture" href={url} target="_blank" rel="noopener" data-testid="file-link" data-name={name}>
        <img data-testid="image-preview" src={url} alt={t('picture', { name: shown })} loading="lazy" decoding="async" onError={() => setBroken(true)} />
      </a>
    );
  }
  return <FileLink name={name} url={url} shown={shown} />;
}

function FileLink({ name, url, shown }: { name: string; url: string; shown: string }) {
  const size = useSize(name, url);
  return (
    <a class="file" href={url} download={shown} data-testid="file-link" data-name={name}>
      <Icon name="file" />
      <span class="name">
        <span class="ellipsis">{shown}</span>
        <small class="muted">{size === undefined ? t('file') : byteCount(size)}</small>
      </span>
    </a>
  );
}

function useSize(name: string, url: string): number | undefined {
  const [size, setSize] = useState<number | undefined>(undefined);
  useEffect(() => {
    let there = true;
    const asked = sizes.get(name) ?? askSize(url);
    sizes.set(name, asked);
    asked.then(
      (bytes) => there && setSize(bytes),
      () => sizes.delete(name),
    );
    return () => {
      there = false;
    };
  }, [name, url]);
  return size;
}

/** The last number of the range of one byte is the size: it works wherever Range does. */
async function askSize(url: string): Promise<number> {
  const response = await fetch(url, { headers: { Range: 'bytes=0-0' } });
  await response.body?.cancel();
  const total = /\/(\d+)$/.exec(response.headers.get('Content-Range') ?? '')?.[1];
  if (total === undefined) throw new Error('no size');
  return Number(total);
}
