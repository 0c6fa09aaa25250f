import { useEffect, useState } from 'preact/hooks';
import { pickDropped, pickPasted } from '../../chat/attachments';
import { titleOf } from '../../chat/author';
import type { Conversation } from '../../chat/line';
import { t } from '../../text';
import { Icon } from '../Icon';

/** Takes files that are dropped anywhere over a conversation; without one nothing is taken. */
export function useDropping(c: Conversation | undefined) {
  const [dragging, setDragging] = useState(false);
  const handlers = {
    onDragOver(e: DragEvent) {
      if (!e.dataTransfer?.types.includes('Files')) return;
      e.preventDefault();
      e.dataTransfer.dropEffect = c ? 'copy' : 'none';
      if (!dragging && c) setDragging(true);
    },
    onDragLeave(e: DragEvent) {
      const inside = e.currentTarget instanceof Node && e.currentTarget.contains(e.relatedTarget as Node | null);
      if (!inside) setDragging(false);
    },
    onDrop(e: DragEvent) {
      if (!e.dataTransfer?.types.includes('Files')) return;
      e.preventDefault();
      setDragging(false);
      if (c) pickDropped(c, e.dataTransfer);
    },
  };
  return { dragging, handlers };
}

/** Takes files that are pasted while a conversation is open, unless into another field than the one one writes in. */
export function usePasting(c: Conversation | undefined): void {
  useEffect(() => {
    if (!c) return undefined;
    const onPaste = (e: ClipboardEvent) => {
      const { files, types } = e.clipboardData ?? {};
      const elsewhere = e.target instanceof Element && e.target.closest('dialog, input, textarea:not([data-testid=composer])');
      // What programs copy as words comes with a picture of them, too.
      if (!files?.length || types?.includes('text/plain') || elsewhere) return;
      e.preventDefault();
      pickPasted(c, files);
    };
    document.addEventListener('paste', onPaste);
    return () => document.removeEventListener('paste', onPaste);
  }, [c]);
}

/** Shown over the conversation while files are held above it. */
export function DropZone({ c }: { c: Conversation }) {
  return (
    <div class="drop-zone" data-testid="drop-zone">
      <Icon name="attach" />
      <strong>{t('drop_here', { name: titleOf(c) })}</strong>
    </div>
  );
}
