// Where the line “new messages” stands: before what came while one did not look.
import { signal } from '@preact/signals';
import { takePart } from '../session/session';
import { unread, type Conversation } from './line';

/** Everything up to `seq` was read when one began to look at this conversation. */
export const unreadFrom = signal<{ conversation: string; seq: number } | undefined>(undefined);

/** One begins to look at a conversation. */
export function lookAt(c: Conversation): void {
  unreadFrom.value = unread(c) > 0 ? { conversation: c.conversation, seq: c.read_seq } : undefined;
}

takePart({ left: () => (unreadFrom.value = undefined) });
