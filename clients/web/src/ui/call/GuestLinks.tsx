import { useEffect, useState } from 'preact/hooks';
import { fetchLinks, makeLink, revokeLink, type GuestLink } from '../../call/people';
import type { Active } from '../../call/state';
import { t, type TextKey } from '../../text';
import { lately } from '../../text/when';
import { Icon } from '../Icon';
import { Menu, MenuItem, spotOf, type Spot } from '../Menu';
import { notify, notifyFailure } from '../notice';

const lifetimes: readonly [seconds: number, text: TextKey][] = [[3600, 'for_hour'], [86_400, 'for_day'], [604_800, 'for_week']];

/** The links by which people without an account come into the call: making, passing on, revoking. */
export function GuestLinks({ call }: { call: Active }) {
  const [links, setLinks] = useState<readonly GuestLink[] | undefined>(undefined);
  const [lifetime, setLifetime] = useState(86_400);
  const [made, setMade] = useState('');
  const [menu, setMenu] = useState<{ link: string; at: Spot } | undefined>(undefined);
  const [changes, setChanges] = useState(0);
  const people = call.participants.size;
  const key = call.connection_key;
  useEffect(() => {
    fetchLinks(key).then(setLinks, () => undefined); // a server may let no guests in
  }, [key, people, changes]); // who came in used one

  async function make() {
    try {
      setMade(await makeLink(call, lifetime));
      setChanges(changes + 1);
    } catch (error) {
      notifyFailure(error, { 403: 'err_no_rights', 413: 'err_links_many' });
    }
  }

  async function revoke(link: string, expel: boolean) {
    setMenu(undefined);
    await revokeLink(call, link, expel).catch((error: unknown) => notifyFailure(error, { 403: 'err_no_rights' }));
    setMade('');
    setChanges(changes + 1);
  }

  if (!links) return null;
  return (
    <section class="guest-links">
      <h3>{t('guest_links')}</h3>
      <p class="muted"><small>{t('guest_links_hint')}</small></p>
      <div class="row">
        <label>
          <span>{t('guest_link_for')}</span>
          <select data-testid="guest-link-life" value={lifetime} onChange={(e) => setLifetime(Number(e.currentTarget.value))}>
            {lifetimes.map(([seconds, text]) => (
              <option key={seconds} value={seconds}>{t(text)}</option>
            ))}
          </select>
        </label>
        <button type="button" class="primary" data-testid="guest-link-make" onClick={() => void make()}>{t('guest_link_make')}</button>
      </div>
      {made && <Made address={made} />}
      <ul class="members">
        {links.map((l) => (
          <li key={l.link} data-testid="guest-link">
            <span class="state">{t('guest_link_state', { used: l.used, uses: l.uses, until: lately(l.until) })}</span>
            <button type="button" class="icon-button" data-testid="guest-link-menu" aria-haspopup="menu" aria-label={t('guest_link_menu')} onClick={(e) => setMenu({ link: l.link, at: spotOf(e.currentTarget) })}>
              <Icon name="more" />
            </button>
          </li>
        ))}
      </ul>
      {menu && (
        <Menu at={menu.at} label={t('guest_link_menu')} onClose={() => setMenu(undefined)}>
          <MenuItem testid="guest-link-revoke" icon="trash" text="guest_link_revoke" danger act={() => void revoke(menu.link, false)} />
          <MenuItem testid="guest-link-revoke-all" icon="trash" text="guest_link_revoke_all" danger act={() => void revoke(menu.link, true)} />
        </Menu>
      )}
    </section>
  );
}

/** A new link: its secret is shown this once. */
function Made({ address }: { address: string }) {
  const copy = () => navigator.clipboard.writeText(address).then(() => notify('link_copied', {}, 'status'), () => undefined);
  return (
    <div class="row">
      <output class="address" data-testid="guest-link-address" aria-label={t('guest_link_new')}>{address}</output>
      {/* Unencrypted pages from elsewhere have no clipboard. */}
      {isSecureContext && (
        <button type="button" class="icon-button" data-testid="guest-link-copy" aria-label={t('copy_link')} title={t('copy_link')} onClick={() => void copy()}>
          <Icon name="copy" />
        </button>
      )}
    </div>
  );
}
