// What this browser knows of the account's conversations.
import { computed, signal } from '@preact/signals';
import { takePart } from '../session/session';
import { keyOf, ordered, preview, readConversation, type Conversation, type Line } from './line';
import { goHome, open } from './route';
import { withChanged, type Timeline } from './timeline';

/** All conversations by the key of their target. */
export const conversations = signal<ReadonlyMap<string, Conversation>>(new Map());
/** The list as it is shown. */
export const list = computed(() => ordered(conversations.value.values()));
/** The list was fetched once. */
export const listed = signal(false);
/** What is known of the histories, by conversation id. */
export const timelines = signal<ReadonlyMap<string, Timeline>>(new Map());

/** The open conversation; one that has no message yet is made up for the time being. */
export const current = computed<Conversation | undefined>(() => {
  const target = open.value;
  if (!target) return undefined;
  return conversations.value.get(keyOf(target)) ?? { ...readConversation({}), kind: target.kind, id: target.id, name: target.kind === 'pair' ? target.id : '' };
});

/** The conversation with this id. */
export function byId(conversation: string): Conversation | undefined {
  for (const c of conversations.value.values()) if (c.conversation === conversation) return c;
  return undefined;
}

/** Puts a conversation into the list. */
export function put(c: Conversation): void {
  conversations.value = new Map(conversations.value).set(keyOf(c), c);
}

/** Replaces what is known of a history. */
export function setTimeline(conversation: string, t: Timeline): void {
  timelines.value = new Map(timelines.value).set(conversation, t);
}

/** Forgets a history. */
export function dropTimeline(conversation: string): void {
  const rest = new Map(timelines.value);
  rest.delete(conversation);
  timelines.value = rest;
}

/** A line that is known, by its conversation and seq. */
export function lineAt(conversation: string, seq: number): Line | undefined {
  return timelines.value.get(conversation)?.lines.find((line) => line.seq === seq);
}

/** Changes a line where it is known, and what the list shows of it. */
export function changeLine(conversation: string, seq: number, change: (line: Line) => Line): void {
  const t = timelines.value.get(conversation);
  if (t) setTimeline(conversation, withChanged(t, seq, change));
  const c = byId(conversation);
  const line = lineAt(conversation, seq);
  if (c && line && c.last_seq === seq) put({ ...c, ...preview(line) });
}

takePart({
  left() {
    conversations.value = new Map();
    timelines.value = new Map();
    listed.value = false;
    goHome();
  },
});
