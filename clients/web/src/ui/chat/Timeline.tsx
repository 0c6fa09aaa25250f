import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Conversation, Line } from '../../chat/line';
import { outbox } from '../../chat/outbox';
import { fetchEarlier, timelines } from '../../chat/store';
import { blank, dayOf } from '../../chat/timeline';
import { t } from '../../text';
import { day } from '../../text/when';
import { Icon } from '../Icon';
import { LineView, PendingView } from './LineView';

/** So near an end, px, counts as being there. */
const near = 60;

/** The lines of a conversation and those on their way. */
export function Timeline({ c }: { c: Conversation }) {
  const known = timelines.value.get(c.conversation) ?? blank;
  const sent = new Set(known.lines.slice(-50).map((l) => l.client_message_id));
  const pending = outbox.value.filter((p) => p.kind === c.kind && p.id === c.id && !sent.has(p.client_message_id));
  const { box, away, onScroll, toEnd } = useScrolling(known.lines, pending.length, () => void fetchEarlier(c.conversation).catch(() => undefined));
  const none = known.lines.length === 0 && pending.length === 0;
  return (
    <div class="timeline-frame">
      <div class="timeline" ref={box} onScroll={onScroll} role="log" tabIndex={0} aria-label={c.name}>
        {none && (known.top || !c.conversation) && <p class="muted empty">{t('no_messages')}</p>}
        {!known.top && known.lines.length > 0 && <p class="muted empty">{t('loading')}</p>}
        {known.lines.map((line, at) => (
          <Row key={line.seq} line={line} before={known.lines[at - 1]} group={c.kind === 'group'} />
        ))}
        {pending.map((p) => (
          <PendingView key={p.client_message_id} pending={p} />
        ))}
      </div>
      {away && (
        <button type="button" class="icon-button to-end" aria-label={t('new_below')} title={t('new_below')} onClick={toEnd}>
          <Icon name="down" />
        </button>
      )}
    </div>
  );
}

function Row({ line, before, group }: { line: Line; before: Line | undefined; group: boolean }) {
  const newDay = !before || dayOf(before.time) !== dayOf(line.time);
  const follows = !newDay && before.user_account === line.user_account && before.message_type === 'text' && line.time - before.time < 300_000;
  return (
    <>
      {newDay && (
        <p class="day">
          <span>{day(line.time)}</span>
        </p>
      )}
      <LineView line={line} group={group} follows={follows} />
    </>
  );
}

/** Stays at the end while one is there, and keeps its place when earlier lines come in above. */
function useScrolling(lines: readonly Line[], pending: number, earlier: () => void) {
  const box = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const last = useRef({ height: 0, first: 0 });
  const [away, setAway] = useState(false);
  const first = lines[0]?.seq ?? 0;
  const end = lines.at(-1)?.seq ?? 0;

  const toEnd = () => {
    if (box.current) box.current.scrollTop = box.current.scrollHeight;
  };
  const onScroll = () => {
    const el = box.current;
    if (!el) return;
    atEnd.current = el.scrollHeight - el.scrollTop - el.clientHeight < near;
    setAway(!atEnd.current);
    if (el.scrollTop < 3 * near) earlier();
  };

  useLayoutEffect(() => {
    const el = box.current;
    if (!el) return;
    if (atEnd.current) toEnd();
    else if (first < last.current.first) el.scrollTop += el.scrollHeight - last.current.height;
    last.current = { height: el.scrollHeight, first };
  }, [first, end, pending, lines.length]);

  useLayoutEffect(() => {
    if (pending > 0) toEnd();
  }, [pending]);

  useEffect(() => {
    const el = box.current;
    if (!el) return undefined;
    if (first > 1 && el.scrollHeight <= el.clientHeight) earlier();
    // A phone's keyboard makes the box smaller; the end stays in sight.
    const observer = new ResizeObserver(() => atEnd.current && toEnd());
    observer.observe(el);
    return () => observer.disconnect();
    // eslint-disable-next-line react-hooks/exhaustive-deps -- `earlier` is made anew at each rendering and means the same
  }, [first]);

  return { box, away, onScroll, toEnd };
}
