import { useEffect, useState } from 'preact/hooks';
import { byteCount } from '../../chat/markup';
import { cancel, pause, resume, type Transfer } from '../../chat/transfers';
import { t } from '../../text';
import { Icon } from '../Icon';

/** A file on its way: how far it is, how fast, and what one can do about it. */
export function TransferRow({ transfer }: { transfer: Transfer }) {
  const { id, file, step, sent } = transfer;
  const percent = percentOf(transfer);
  const still = step === 'paused' || step === 'failed';
  return (
    <li class="transfer" data-testid="attachment" data-step={step} data-sent={sent} data-name={file.name}>
      <Thumbnail file={file} />
      <div class="name">
        <span class="ellipsis" data-ellipsis>{file.name}</span>
        <State transfer={transfer} />
        {step !== 'done' && step !== 'failed' && (
          <div class="progress-bar" role="progressbar" aria-label={file.name} aria-valuemin={0} aria-valuemax={100} aria-valuenow={percent}>
            <i style={{ width: `${percent}%` }} />
          </div>
        )}
      </div>
      {still ? (
        <Act testid="upload-resume" icon={step === 'failed' ? 'retry' : 'play'} label={t(step === 'failed' ? 'upload_again' : 'upload_resume', { name: file.name })} act={() => resume(id)} />
      ) : (
        step !== 'done' && <Act testid="upload-pause" icon="pause" label={t('upload_pause', { name: file.name })} act={() => pause(id)} />
      )}
      <Act testid="upload-cancel" icon="close" label={t('remove_file', { name: file.name })} act={() => cancel(id)} />
    </li>
  );
}

function Act({ testid, icon, label, act }: { testid: string; icon: 'pause' | 'play' | 'retry' | 'close'; label: string; act: () => void }) {
  return (
    <button type="button" class="icon-button" data-testid={testid} aria-label={label} title={label} onClick={act}>
      <Icon name={icon} />
    </button>
  );
}

function State({ transfer }: { transfer: Transfer }) {
  const { file, step, sent, speed, trouble } = transfer;
  const amount = { sent: byteCount(sent), total: byteCount(file.size), percent: percentOf(transfer) };
  if (step === 'failed') return <small class="wrong" role="alert" data-testid="upload-state">{trouble && t(trouble.key, trouble.params)}</small>;
  return <small class="muted clock" data-testid="upload-state">{words()}</small>;

  function words(): string {
    if (step === 'queued') return `${t('upload_queued')} · ${amount.total}`;
    if (step === 'done') return amount.total;
    if (step === 'paused') return `${t('upload_paused')} · ${t('upload_amount', amount)}`;
    if (step === 'away') return trouble ? t(trouble.key, trouble.params) : '';
    if (sent >= file.size) return t('upload_finishing');
    return speed > 0 ? `${t('upload_amount', amount)} · ${t('upload_speed', { speed: byteCount(Math.round(speed)) })}` : t('upload_amount', amount);
  }
}

function percentOf({ file, sent }: Transfer): number {
  return file.size === 0 ? 0 : Math.floor((100 * sent) / file.size);
}

function Thumbnail({ file }: { file: File }) {
  const [url, setUrl] = useState('');
  useEffect(() => {
    if (!/^image\/(png|jpeg|gif|webp|avif)$/.test(file.type)) return undefined;
    const made = URL.createObjectURL(file);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [file]);
  return url ? <img src={url} alt="" /> : <Icon name="file" />;
}
