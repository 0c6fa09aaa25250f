import { useEffect, useState } from 'preact/hooks';
import { titleOf } from '../../chat/author';
import { kindOf, lookOf } from '../../chat/fileinfo';
import { jumpTo } from '../../chat/history';
import { byteCount, shownName } from '../../chat/markup';
import { go } from '../../chat/route';
import { byId } from '../../chat/store';
import { deleteFile, fetchStored, type Order, type OwnFile, type Stored } from '../../people/storage';
import { connection } from '../../session/session';
import { t } from '../../text';
import { lately } from '../../text/when';
import { confirmed } from '../Confirm';
import { Icon } from '../Icon';
import { notifyFailure } from '../notice';
import { Section } from './Section';

/** How much one stores, in which files, and where they were sent. */
export function Storage() {
  const [order, setOrder] = useState<Order>('size');
  const [stored, setStored] = useState<Stored | undefined>(undefined);
  const online = connection.value === 'open';
  useEffect(() => {
    if (online) fetchStored(order).then(setStored, notifyFailure);
  }, [online, order]);
  if (!stored) return <Section title="storage">{null}</Section>;
  const erase = async (file: OwnFile) => {
    const where = file.conversation ? 'file_delete_sent_ask' : 'file_delete_ask';
    if (!(await confirmed('file_delete', where, { name: shownName(file.name) }))) return;
    await deleteFile(file.name).catch(notifyFailure);
    await fetchStored(order).then(setStored, notifyFailure);
  };
  return (
    <Section title="storage">
      <Gauge stored={stored} />
      {stored.files.length > 0 && (
        <label>
          <span>{t('storage_order')}</span>
          <select data-testid="storage-order" value={order} onChange={(e) => setOrder(e.currentTarget.value === 'time' ? 'time' : 'size')}>
            <option value="size">{t('storage_by_size')}</option>
            <option value="time">{t('storage_by_time')}</option>
          </select>
        </label>
      )}
      <ul class="own-files">
        {stored.files.map((file) => (
          <Row key={file.name} file={file} onDelete={() => void erase(file)} />
        ))}
      </ul>
      {stored.files.length === 0 && <p class="muted">{t('storage_empty')}</p>}
      {stored.next && (
        <button type="button" data-testid="storage-more" onClick={() => fetchStored(order, stored).then(setStored, notifyFailure)}>{t('storage_more')}</button>
      )}
    </Section>
  );
}

function Gauge({ stored: { used, allowed, files, next } }: { stored: Stored }) {
  const unfinished = !next && files.reduce((sum, file) => sum + file.size, 0) < used;
  const share = allowed > 0 ? Math.min(1, used / allowed) : 0;
  return (
    <div>
      <p data-testid="usage">{allowed > 0 ? t('bytes_of', { used: byteCount(used), allowed: byteCount(allowed) }) : t('bytes_used', { used: byteCount(used) })}</p>
      {allowed > 0 && (
        <div class={share > 0.9 ? 'progress-bar full' : 'progress-bar'} role="meter" aria-label={t('storage')} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(share * 100)}>
          <i style={{ width: `${share * 100}%` }} />
        </div>
      )}
      {unfinished && <small class="muted">{t('storage_unfinished')}</small>}
    </div>
  );
}

function Row({ file, onDelete }: { file: OwnFile; onDelete: () => void }) {
  const shown = shownName(file.name);
  return (
    <li data-testid="own-file" data-name={file.name}>
      <Thumbnail file={file} />
      <div>
        <a class="ellipsis" data-ellipsis href={`/files/${file.name}`} target="_blank" rel="noopener">{shown}</a>
        <small class="muted">{[t(kindOf(file.name)), byteCount(file.size), lately(file.time)].join(' · ')}</small>
        <Where file={file} />
      </div>
      <button type="button" class="icon-button" data-testid="own-file-delete" aria-label={t('file_delete_of', { name: shown })} title={t('file_delete')} onClick={onDelete}>
        <Icon name="trash" />
      </button>
    </li>
  );
}

/** The small picture of what has one. */
function Thumbnail({ file }: { file: OwnFile }) {
  const [broken, setBroken] = useState(false);
  const look = lookOf(file.name, file.content_type);
  if (broken || (look !== 'picture' && look !== 'video')) return <Icon name="file" />;
  return <img src={`/files/${file.name}/preview`} alt="" loading="lazy" decoding="async" onError={() => setBroken(true)} />;
}

/** The way to the message a file was sent with. */
function Where({ file }: { file: OwnFile }) {
  const c = file.conversation ? byId(file.conversation) : undefined;
  if (!c) return <small class="muted">{t(file.conversation ? 'storage_sent' : 'storage_not_sent')}</small>;
  const show = () => {
    jumpTo(file.conversation, file.seq).catch((error: unknown) => notifyFailure(error, { 404: 'err_message_gone' }));
    go(c);
  };
  return (
    <button type="button" class="quiet" data-testid="own-file-where" onClick={show}>
      <span class="ellipsis" data-ellipsis>{t('storage_sent_in', { name: titleOf(c) })}</span>
    </button>
  );
}
