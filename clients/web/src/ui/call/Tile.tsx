import { peer } from '../../call/active';
import { speaking } from '../../call/levels';
import { camera, microphoneOn } from '../../call/local';
import { pin, pinned } from '../../call/view';
import { me } from '../../session/session';
import { t } from '../../text';
import { nameOf } from '../../people/people';
import { PersonAvatar } from '../Avatar';
import { Icon } from '../Icon';
import { LinkMark } from './LinkMark';
import { keyOfTile, type TileOf } from './tiles';
import { Video } from './Video';

/** One of the others, or their screen; the `only` one needs no pin. `place` is the line of the grid where it begins in the strip beside the large one. */
export function Tile({ tile, large, only, place }: { tile: TileOf; large?: boolean; only?: boolean; place: number }) {
  const { user_account, source, mid, muted } = tile;
  const track = mid ? peer.value?.trackOf(mid) : undefined;
  const loud = source !== 'screen' && !muted && speaking.value.has(tile.participant);
  const label = source === 'screen' ? t('screen_of', { who: nameOf(user_account) }) : nameOf(user_account);
  const names = ['tile', source, loud ? 'speaking' : '', large ? 'large' : ''].filter(Boolean).join(' ');
  return (
    <figure class={names} data-testid="tile" data-user={user_account} data-source={source} data-muted={muted ? 'yes' : 'no'} data-mid={mid} data-large={large ? 'yes' : 'no'} style={{ '--place': place }} onDblClick={() => pin(keyOfTile(tile))}>
      {source !== 'screen' && <PersonAvatar account={user_account} large />}
      {track && <Video key={`${tile.participant} ${track.id}`} track={track} label={label} whole={source === 'screen'} of={source === 'none' ? undefined : { participant: tile.participant, source }} />}
      <Caption name={label} muted={muted && source !== 'screen'} of={source === 'screen' ? undefined : tile.participant} />
      {(!only || pinned.value === keyOfTile(tile)) && <PinButton tile={tile} label={label} />}
    </figure>
  );
}

/** Keeps a tile large. */
function PinButton({ tile, label }: { tile: TileOf; label: string }) {
  const key = keyOfTile(tile);
  const on = pinned.value === key;
  const text = t(on ? 'unpin' : 'pin', { who: label });
  return (
    <button type="button" class="pin" data-testid="pin" aria-pressed={on} aria-label={text} title={text} onClick={() => pin(key)} onDblClick={(e) => e.stopPropagation()}>
      <Icon name="pin" />
    </button>
  );
}

/** Oneself, as in a mirror; or the screen one shares. */
export function SelfTile({ shared, place }: { shared?: MediaStreamTrack; place: number }) {
  const track = shared ?? camera.value;
  const muted = !microphoneOn.value;
  const source = shared ? 'screen' : track ? 'camera' : 'none';
  const loud = !shared && !muted && speaking.value.has('');
  const label = t(shared ? 'your_screen' : 'you');
  return (
    <figure class={`tile self ${source} ${loud ? 'speaking' : ''}`} data-testid={shared ? 'self-screen' : 'self-tile'} data-source={source} data-muted={muted ? 'yes' : 'no'} style={{ '--place': place }}>
      {!shared && <PersonAvatar account={me.value} large />}
      {track && <Video track={track} label={label} mirrored={!shared} whole={!!shared} />}
      <Caption name={label} muted={muted && !shared} of={shared ? undefined : ''} />
    </figure>
  );
}

/** Who it is; `of` is the participant whose connection it tells of, '' oneself. */
function Caption({ name, muted, of }: { name: string; muted: boolean; of: string | undefined }) {
  return (
    <figcaption>
      {muted && (
        <span role="img" aria-label={t('muted')} title={t('muted')}>
          <Icon name="microphoneOff" />
        </span>
      )}
      <span class="ellipsis">{name}</span>
      {of !== undefined && <LinkMark of={of} />}
    </figcaption>
  );
}
