import { drop, type Attachment } from '../../chat/attachments';
import { byteCount } from '../../chat/markup';
import { t } from '../../text';
import { Icon } from '../Icon';

/** Picks files for the next message. */
export function AttachButton({ onPick }: { onPick: (files: FileList) => void }) {
  return (
    <label class="icon-button attach" title={t('attach')}>
      <Icon name="attach" />
      <input
        type="file"
        multiple
        data-testid="attach"
        aria-label={t('attach')}
        onChange={(e) => {
          if (e.currentTarget.files) onPick(e.currentTarget.files);
          e.currentTarget.value = '';
        }}
      />
    </label>
  );
}

/** The files picked for the next message. */
export function Picked({ files }: { files: readonly Attachment[] }) {
  return (
    <ul class="picked">
      {files.map((a) => (
        <li key={a.id} data-testid="attachment" style={{ '--progress': a.progress }}>
          {a.preview ? <img src={a.preview} alt="" /> : <Icon name="file" />}
          <span class="name">
            <span class="ellipsis">{a.file.name}</span>
            <small class="muted">{a.progress < 1 ? t('uploading', { percent: Math.round(a.progress * 100) }) : byteCount(a.file.size)}</small>
          </span>
          <button type="button" class="icon-button" aria-label={t('remove_file', { name: a.file.name })} onClick={() => drop(a.id)}>
            <Icon name="close" />
          </button>
        </li>
      ))}
    </ul>
  );
}
