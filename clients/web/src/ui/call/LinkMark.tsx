import { links } from '../../call/links';
import { t } from '../../text';
import { statisticsShown } from './shown';

/** How well somebody comes through, while that is not well; its words name the cause. It leads to the figures. */
export function LinkMark({ of }: { of: string }) {
  const mark = links.value.get(of);
  if (!mark?.cause) return null;
  const text = t(`link_${mark.cause}`);
  return (
    <button type="button" class={`link-mark ${mark.level}`} data-testid="link-mark" data-cause={mark.cause} aria-label={text} title={text} onClick={() => (statisticsShown.value = true)}>
      <Bars level={mark.level} />
      <span class="words" aria-hidden="true">{text}</span>
    </button>
  );
}

/** Three bars, as on a phone. */
export function Bars({ level }: { level: 'good' | 'fair' | 'poor' }) {
  const full = { good: 3, fair: 2, poor: 1 }[level];
  return (
    <svg class={`link-bars ${level}`} viewBox="0 0 14 14" width="14" height="14" aria-hidden="true">
      {[0, 1, 2].map((n) => (
        <rect key={n} x={1 + n * 4.5} y={9 - n * 4} width="3" height={4 + n * 4} rx="1" opacity={n < full ? 1 : 0.35} />
      ))}
    </svg>
  );
}
