import { signal } from '@preact/signals';
import { nameOf } from '../people/people';
import { t, type Params } from '../text';
import { Icon } from './Icon';
import { dismiss, notices } from './notice';

/** What lies above the page, lowest first. A modal dialog makes all below it dim and dead, so notices are shown in the topmost. */
export const layers = signal<readonly string[]>(['page']);

/** What went wrong, if this is the topmost layer. */
export function Notices({ layer }: { layer: string }) {
  if (layers.value.at(-1) !== layer) return null;
  return (
    <div class="notices">
      {notices.value.map((notice) => (
        <div key={notice.key} class={`notice ${notice.role}`} role={notice.role} data-testid="notice">
          <span>{t(notice.key, named(notice.params))}</span>
          <button type="button" class="icon-button" aria-label={t('dismiss')} onClick={() => dismiss(notice)}>
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}

/** Who is meant by `account`, as they are called by now. */
function named(params: Params): Params {
  return typeof params.account === 'string' ? { ...params, who: nameOf(params.account) } : params;
}
