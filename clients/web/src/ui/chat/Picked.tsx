import { useRef, useState } from 'preact/hooks';
import { keepsPlace, pick, setKeepsPlace } from '../../chat/attachments';
import { keyOf, type Conversation } from '../../chat/line';
import { byteCount } from '../../chat/markup';
import type { Transfer } from '../../chat/transfers';
import { giveUp, unfinished, type Begun } from '../../chat/unfinished';
import { t, type TextKey } from '../../text';
import { TransferRow } from '../files/TransferRow';
import { Icon, type IconName } from '../Icon';
import { Menu, MenuItem, spotOf, type Spot } from '../Menu';

type OnPick = (files: FileList) => void;

/** Picks files for the next message. With fingers one chooses first: the gallery, the camera, or any file. */
export function AttachButton({ onPick }: { onPick: OnPick }) {
  if (matchMedia('(pointer: coarse)').matches) return <AttachMenu onPick={onPick} />;
  return (
    <label class="icon-button attach" title={t('attach')}>
      <Icon name="attach" />
      <input type="file" multiple data-testid="attach" aria-label={t('attach')} onChange={(e) => taken(e.currentTarget, onPick)} />
    </label>
  );
}

/** What a phone is asked for: the types, whether the camera, whether several. */
const ways: readonly { text: TextKey; icon: IconName; accept?: string; capture?: 'environment'; multiple?: boolean }[] = [
  { text: 'attach_gallery', icon: 'picture', accept: 'image/*,video/*', multiple: true },
  { text: 'attach_camera', icon: 'camera', accept: 'image/*', capture: 'environment' },
  { text: 'attach_film', icon: 'screen', accept: 'video/*', capture: 'environment' },
  { text: 'attach_files', icon: 'file', multiple: true },
];

function AttachMenu({ onPick }: { onPick: OnPick }) {
  const inputs = useRef<HTMLSpanElement>(null);
  const [at, setAt] = useState<Spot | undefined>(undefined);
  const ask = (way: string) => {
    setAt(undefined);
    inputs.current?.querySelector<HTMLInputElement>(`[data-testid=${way}]`)?.click();
  };
  return (
    <>
      <button type="button" class="icon-button" data-testid="attach-menu" aria-haspopup="menu" aria-expanded={!!at} aria-label={t('attach')} onClick={(e) => setAt(spotOf(e.currentTarget))}>
        <Icon name="attach" />
      </button>
      <span ref={inputs} hidden>
        {ways.map(({ text, accept, capture, multiple }) => (
          <input key={text} type="file" data-testid={text} accept={accept} capture={capture} multiple={multiple} onChange={(e) => taken(e.currentTarget, onPick)} />
        ))}
      </span>
      {at && (
        <Menu at={at} label={t('attach')} onClose={() => setAt(undefined)}>
          {ways.map(({ text, icon }) => (
            <MenuItem key={text} testid={`menu-${text}`} icon={icon} text={text} act={() => ask(text)} />
          ))}
        </Menu>
      )}
    </>
  );
}

function taken(input: HTMLInputElement, onPick: OnPick) {
  if (input.files?.length) onPick(input.files);
  input.value = '';
}

/** The files picked for the next message, and those whose upload was broken off. */
export function Picked({ c, files }: { c: Conversation; files: readonly Transfer[] }) {
  const key = keyOf(c);
  const begun = unfinished.value.filter((b) => b.key === key);
  const keeps = keepsPlace(c);
  if (files.length + begun.length === 0) return null;
  return (
    <div class="picked">
      <ul class="transfers">
        {begun.map((b) => (
          <UnfinishedRow key={b.place} begun={b} onPick={(picked) => pick(c, picked)} />
        ))}
        {files.map((transfer) => (
          <TransferRow key={transfer.id} transfer={transfer} />
        ))}
      </ul>
      {keeps !== undefined && (
        <label class="check">
          <input type="checkbox" data-testid="keep-place" checked={keeps} onInput={(e) => setKeepsPlace(c, e.currentTarget.checked)} />
          {t('keep_place')}
        </label>
      )}
    </div>
  );
}

function UnfinishedRow({ begun, onPick }: { begun: Begun; onPick: OnPick }) {
  const { name, sent, size } = begun;
  return (
    <li class="transfer" data-testid="unfinished" data-name={name}>
      <Icon name="file" />
      <div class="name">
        <span class="ellipsis" data-ellipsis>{name}</span>
        <small class="muted">{t('upload_unfinished', { sent: byteCount(sent), total: byteCount(size) })}</small>
      </div>
      <label class="file-button">
        {t('upload_pick')}
        <input type="file" data-testid="unfinished-pick" aria-label={t('upload_pick_of', { name })} onChange={(e) => taken(e.currentTarget, onPick)} />
      </label>
      <button type="button" class="icon-button" data-testid="unfinished-discard" aria-label={t('remove_file', { name })} title={t('remove_file', { name })} onClick={() => giveUp(begun)}>
        <Icon name="close" />
      </button>
    </li>
  );
}
