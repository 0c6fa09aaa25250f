import { signal } from '@preact/signals';
import { react, remove } from '../../chat/actions';
import { startEdit, startReply } from '../../chat/draft';
import { groups, isFormer } from '../../chat/groups';
import { keyOf, type Conversation, type Line } from '../../chat/line';
import { decompose } from '../../chat/markup';
import { common } from '../../chat/reactions';
import { me } from '../../session/session';
import { t } from '../../text';
import { confirmed } from '../Confirm';
import { Menu, MenuItem, spotOf, type Spot } from '../Menu';
import { notifyFailure } from '../notice';
import { infoOf } from './MessageInfo';
import { reactingTo } from './ReactionPicker';

/** The message whose menu is open. */
const chosen = signal<{ line: Line; c: Conversation; at: Spot } | undefined>(undefined);

const holdFor = 500;
let held = 0;

/** Opens the menu of a message at its button. */
export function openMenu(element: Element, line: Line, c: Conversation): void {
  chosen.value = { line, c, at: spotOf(element) };
}

/** What lets a message open its menu: the right button, the menu key or Enter, and a finger that stays. */
export function holdToOpen(line: Line, c: Conversation) {
  const release = () => clearTimeout(held);
  return {
    onContextMenu(e: MouseEvent) {
      const own = e.target instanceof Element && e.target.closest('a, img, video, audio, input, textarea');
      if (own || !getSelection()?.isCollapsed) return;
      e.preventDefault();
      chosen.value = { line, c, at: { x: e.clientX, y: e.clientY } };
    },
    onKeyDown(e: KeyboardEvent) {
      if (e.key !== 'Enter' || e.target !== e.currentTarget || !(e.currentTarget instanceof Element)) return;
      e.preventDefault();
      openMenu(e.currentTarget, line, c);
    },
    onPointerDown(e: PointerEvent) {
      release();
      if (e.pointerType !== 'touch') return;
      held = window.setTimeout(() => (chosen.value = { line, c, at: { x: e.clientX, y: e.clientY } }), holdFor);
    },
    onPointerUp: release,
    onPointerMove: release,
    onPointerCancel: release,
  };
}

/** The menu of a message, while it is open. */
export function MessageMenu() {
  if (!chosen.value) return null;
  const { line, c, at } = chosen.value;
  const close = () => (chosen.value = undefined);
  const pick = (act: () => unknown) => () => {
    close();
    act();
  };
  const alive = line.message_type !== 'deleted';
  const inside = !isFormer(c);
  const mine = line.user_account === me.value;
  const admin = c.kind === 'group' && (groups.value.get(c.id)?.permissions ?? 'member') !== 'member';
  return (
    <Menu at={at} label={t('message_menu')} onClose={close}>
      {alive && inside && <QuickReactions line={line} c={c} pick={pick} />}
      {alive && inside && <MenuItem testid="menu-reply" icon="reply" text="reply" act={pick(() => startReply(keyOf(c), line))} />}
      {/* Unencrypted pages from elsewhere have no clipboard. */}
      {line.text && isSecureContext && <MenuItem testid="menu-copy" icon="copy" text="copy" act={pick(() => navigator.clipboard.writeText(decompose(line.text).typed))} />}
      {alive && inside && mine && line.message_type === 'text' && <MenuItem testid="menu-edit" icon="edit" text="edit" act={pick(() => startEdit(keyOf(c), line))} />}
      {alive && <MenuItem testid="menu-info" icon="info" text="details_of" act={pick(() => infoOf(line, c))} />}
      <MenuItem testid="menu-delete-me" icon="trash" text="delete_me" act={pick(() => erase(line, c, 'me'))} />
      {alive && inside && (mine || admin) && <MenuItem testid="menu-delete-all" icon="trash" text="delete_all" danger act={pick(() => erase(line, c, 'all'))} />}
    </Menu>
  );
}

function QuickReactions({ line, c, pick }: { line: Line; c: Conversation; pick: (act: () => unknown) => () => void }) {
  const add = (reaction: string) => {
    const mine = line.reactions.some((r) => r.reaction === reaction && r.mine);
    react(c.conversation, line, reaction, !mine).catch((error: unknown) => notifyFailure(error, { 404: 'err_message_gone' }));
  };
  return (
    <div class="quick-reactions">
      {common.map((reaction) => (
        <button key={reaction} type="button" class="icon-button" role="menuitem" tabIndex={-1} data-testid="react" data-reaction={reaction} aria-label={t('react_with', { reaction })} onClick={pick(() => add(reaction))}>
          {reaction}
        </button>
      ))}
      <button type="button" class="icon-button" role="menuitem" tabIndex={-1} data-testid="react-other" aria-label={t('react_other')} title={t('react_other')} onClick={pick(() => reactingTo(line, c))}>
        +
      </button>
    </div>
  );
}

async function erase(line: Line, c: Conversation, whose: 'me' | 'all'): Promise<void> {
  if (!(await confirmed(whose === 'me' ? 'delete_me' : 'delete_all', whose === 'me' ? 'delete_me_ask' : 'delete_all_ask'))) return;
  await remove(c.conversation, line, whose).catch((error: unknown) => notifyFailure(error, { 403: 'err_not_yours', 404: 'err_message_gone' }));
}
