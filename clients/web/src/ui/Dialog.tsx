import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';
import { t } from '../text';
import { Icon } from './Icon';
import { layers, Notices } from './Notices';

interface Props {
  title: string;
  testid?: string;
  /** Escape and the cross. */
  onClose: () => void;
  /** Without the cross: the person is to choose. */
  plain?: boolean;
  class?: string;
  /** What stands beside the cross. */
  actions?: ComponentChildren;
  children: ComponentChildren;
}

/** A modal dialog. The browser's own element keeps the focus in it and puts it back afterwards. */
export function Dialog({ title, testid, onClose, plain, class: name, actions, children }: Props) {
  const element = useRef<HTMLDialogElement>(null);
  const heading = useId();
  const layer = `dialog ${heading}`;
  // Not a passive effect: those end after the element is gone, when the browser cannot put the focus back any more.
  useLayoutEffect(() => {
    const dialog = element.current;
    if (dialog && !dialog.open) dialog.showModal();
    layers.value = [...layers.peek(), layer];
    return () => {
      layers.value = layers.peek().filter((other) => other !== layer);
      dialog?.close();
    };
  }, [layer]);
  return (
    <dialog
      ref={element}
      class={name}
      data-testid={testid}
      aria-labelledby={heading}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <header>
        <h2 id={heading}>{title}</h2>
        {actions}
        {!plain && (
          <button type="button" class="icon-button" aria-label={t('close')} onClick={onClose}>
            <Icon name="close" />
          </button>
        )}
      </header>
      {children}
      <Notices layer={layer} />
    </dialog>
  );
}
