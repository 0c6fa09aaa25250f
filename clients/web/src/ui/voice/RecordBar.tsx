import { useEffect, useRef } from 'preact/hooks';
import { draftOf, setDraft } from '../../chat/draft';
import { keyOf, type Conversation } from '../../chat/line';
import { postVoice } from '../../chat/parcels';
import { t } from '../../text';
import { duration } from '../../text/when';
import { recording, stopRecording } from '../../voice/recorder';
import { Icon } from '../Icon';

/** So many of the last levels are shown. */
const shown = 48;

/** Where one speaks: how loud it is, how long, and what to do with it. Enter sends, Escape discards. */
export function RecordBar({ c }: { c: Conversation }) {
  const bar = useRef<HTMLDivElement>(null);
  useEffect(() => {
    bar.current?.querySelector<HTMLElement>('[data-testid=record-send]')?.focus();
    // Going elsewhere discards what was not sent.
    return () => void stopRecording(false);
  }, []);
  const { levels, duration_ms } = recording.value ?? { levels: [], duration_ms: 0 };
  return (
    <div ref={bar} class="composer record-bar" role="group" aria-label={t('recording')} data-testid="recording" onKeyDown={(e) => e.key === 'Escape' && void stopRecording(false)}>
      <button type="button" class="icon-button" data-testid="record-cancel" aria-label={t('record_cancel')} title={t('record_cancel')} onClick={() => void stopRecording(false)}>
        <Icon name="trash" />
      </button>
      <span class="record-light" />
      <span class="clock" role="timer" aria-label={t('recording')}>{duration(duration_ms)}</span>
      <span class="bars" aria-hidden="true">
        {levels.slice(-shown).map((level, at) => (
          <i key={at} style={{ '--height': Math.max(0.06, level) }} />
        ))}
      </span>
      <button type="button" class="icon-button send" data-testid="record-send" aria-label={t('record_send')} title={t('record_send')} onClick={() => void finish(c)}>
        <Icon name="send" />
      </button>
    </div>
  );
}

async function finish(c: Conversation): Promise<void> {
  const key = keyOf(c);
  const { reply } = draftOf(key);
  const recorded = await stopRecording(true);
  if (!recorded) return;
  setDraft(key, { reply: undefined });
  postVoice(c, recorded.file, { duration_ms: recorded.duration_ms, waveform: recorded.waveform }, reply?.message_id);
}
