import { useState } from 'preact/hooks';
import { uploadAvatar } from '../people/picture';
import { Failure } from '../wire/failure';
import { t } from '../text';
import { Avatar } from './Avatar';
import { notify, notifyFailure } from './notice';

interface Props {
  picture: string;
  name: string;
  seed: string;
  /** It is shown elsewhere already. */
  bare?: boolean;
  /** Takes the NAME of the picture, or '' for none. */
  onPick: (avatar: string) => Promise<unknown>;
}

/** A picture of somebody or of a group, to be changed or removed. */
export function PictureField({ picture, name, seed, bare, onPick }: Props) {
  const [busy, setBusy] = useState(false);
  async function change(avatar: Promise<string>) {
    setBusy(true);
    try {
      await onPick(await avatar);
    } catch (error) {
      if (error instanceof Failure) notifyFailure(error, { 403: 'err_no_rights' });
      else notify('err_picture');
    }
    setBusy(false);
  }
  return (
    <div class="picture-field">
      {!bare && <Avatar name={name} seed={seed} picture={picture} large />}
      <div class="stack">
        <label class={busy ? 'file-button busy' : 'file-button'}>
          {t('change_picture')}
          <input type="file" accept="image/*" data-testid="picture-file" disabled={busy} aria-label={t('change_picture')}
            onChange={(e) => {
              const [file] = e.currentTarget.files ?? [];
              e.currentTarget.value = '';
              if (file) void change(uploadAvatar(file));
            }} />
        </label>
        {picture && (
          <button type="button" class="quiet" data-testid="picture-remove" disabled={busy} onClick={() => void change(Promise.resolve(''))}>{t('picture_remove')}</button>
        )}
      </div>
    </div>
  );
}
