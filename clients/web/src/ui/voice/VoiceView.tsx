import { files } from '../../chat/files';
import type { Line } from '../../chat/line';
import { t } from '../../text';
import { duration } from '../../text/when';
import { nextSpeed, playing, seek, speed, toggle } from '../../voice/player';
import { fromWaveform } from '../../voice/waveform';
import { GoneFile } from '../files/FileView';
import { Icon } from '../Icon';

/** So far an arrow key goes, ms. */
const keyStep = 2000;

/** A voice message: play, its waveform as a slider, its length, the speed. */
export function VoiceView({ line }: { line: Line }) {
  if (files.value.get(line.file) === 'gone') return <GoneFile name={line.file} />;
  const here = playing.value?.message_id === line.message_id ? playing.value : undefined;
  const total = Math.max(line.duration_ms, 1);
  const position = here?.position ?? 0;
  const sounding = !!here && !here.paused;
  return (
    <div class="voice" data-testid="voice" data-playing={sounding ? 'yes' : 'no'} data-position={Math.round(position)}>
      <button type="button" class="icon-button voice-play" data-testid="voice-play" aria-label={t(sounding ? 'voice_pause' : 'voice_play')} onClick={() => void toggle(line.message_id, line.file, total)}>
        <Icon name={sounding ? 'pause' : 'play'} />
      </button>
      <Waveform line={line} position={position} total={total} />
      <span class="clock">{duration(here ? position : total)}</span>
      <button type="button" class="quiet voice-speed" data-testid="voice-speed" aria-label={t('voice_speed', { speed: speed.value })} onClick={nextSpeed}>
        {speed.value}×
      </button>
    </div>
  );
}

function Waveform({ line, position, total }: { line: Line; position: number; total: number }) {
  const heights = fromWaveform(line.waveform);
  const to = (place: number) => void seek(line.message_id, line.file, total, place);
  const keys: Record<string, number> = { ArrowLeft: position - keyStep, ArrowRight: position + keyStep, Home: 0, End: total - 1 };
  return (
    <div
      class="bars waveform"
      role="slider"
      tabIndex={0}
      data-testid="voice-seek"
      aria-label={t('voice_seek')}
      aria-valuemin={0}
      aria-valuemax={Math.round(total / 1000)}
      aria-valuenow={Math.round(position / 1000)}
      aria-valuetext={t('voice_at', { position: duration(position), duration: duration(total) })}
      onClick={(e) => {
        const box = e.currentTarget.getBoundingClientRect();
        to(((e.clientX - box.left) / box.width) * total);
      }}
      onKeyDown={(e) => {
        const place = keys[e.key];
        if (place === undefined) return;
        e.preventDefault();
        e.stopPropagation();
        to(place);
      }}
    >
      {heights.map((height, at) => (
        <i key={at} class={at / heights.length < position / total ? 'played' : ''} style={{ '--height': Math.max(0.08, height) }} />
      ))}
    </div>
  );
}
