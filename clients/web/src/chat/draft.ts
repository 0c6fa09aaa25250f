// What is being written in a conversation: the words, and what it answers or changes.
import { signal } from '@preact/signals';
import { takePart } from '../session/session';
import type { Line } from './line';
import { decompose } from './markup';

/** Something not sent yet. */
export interface Draft {
  text: string;
  /** The message answered, or the one that is changed. */
  reply?: Line;
  edit?: Line;
}

/** What is being written, by keyOf the conversation; it outlives the composer, not the page. */
export const drafts = signal<ReadonlyMap<string, Draft>>(new Map());

const none: Draft = { text: '' };

/** What is being written there. */
export function draftOf(key: string): Draft {
  return drafts.value.get(key) ?? none;
}

/** Changes what is being written. */
export function setDraft(key: string, change: Partial<Draft>): void {
  drafts.value = new Map(drafts.value).set(key, { ...draftOf(key), ...change });
}

/** Begins to answer a message. */
export function startReply(key: string, line: Line): void {
  setDraft(key, { reply: line, ...(draftOf(key).edit ? { edit: undefined, text: '' } : {}) });
}

/** Begins to change a text of one's own. */
export function startEdit(key: string, line: Line): void {
  setDraft(key, { edit: line, reply: undefined, text: decompose(line.text).typed });
}

/** Gives up answering or changing. */
export function stopAside(key: string): void {
  setDraft(key, { reply: undefined, ...(draftOf(key).edit ? { edit: undefined, text: '' } : {}) });
}

takePart({ left: () => (drafts.value = new Map()) });
