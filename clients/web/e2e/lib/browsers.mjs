// Two ways to drive a browser behind one small set of verbs: Playwright for Chromium, WebDriver BiDi for Firefox (Playwright cannot drive the stock one).
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { chromium } from 'playwright-core';
import puppeteer from 'puppeteer-core';
import { pictureCode } from '../page/code.mjs';
import { fakeCapture } from '../page/media.mjs';
import { paths } from '../page/paths.mjs';
import { readers } from '../page/readers.mjs';
import { writeFilm, writeVoice } from './capture.mjs';
import { openSoundCard } from './soundcard.mjs';

/** How long anything a person waits for may take before it counts as not coming, in ms. Generous: two cores carry three browsers. */
export const PATIENCE = 20_000;

/**
 * @typedef {object} Person  Who sits in front of a browser.
 * @property {string} account
 * @property {number} id picture id of the camera
 * @property {number} tone Hz of the voice
 * @property {number} [screen] picture id of a shared screen
 * @property {number} [screenTone] Hz of what a shared screen plays; absent: it is shared without sound
 * @property {'works' | 'missing' | 'refused'} [devices] camera and microphone; Firefox only has working ones
 * @property {string} [locale] default en-US
 * @property {boolean} [dark] prefers dark colours
 * @property {{width: number, height: number}} [viewport] default 1280×800
 * @property {boolean} [fingers] the device is used with fingers, as a phone is; Chromium only
 * @property {boolean} [frozen] the camera's picture stands still (to test the reader)
 * @property {boolean} [checks] looks at the devices before each call, as people do at first; otherwise that is switched off
 * @property {boolean} [grain] the camera's picture is full of noise, which takes all the bits that it may have; Chromium only
 * @property {boolean} [keepsCallsOff] the browser lets calls use nothing but a proxy, as a policy or an extension may want it; Chromium only
 * @property {Trust} [trust] what the browser takes for secure besides localhost
 */

/**
 * @typedef {object} Trust  What makes a page elsewhere than on localhost get camera and microphone.
 * @property {string} [origin] a plain http origin that counts as secure
 * @property {string} [spki] base64 SHA-256 of the public key of a server whose certificate nobody signed. Chromium then takes that key from anybody,
 *   for pages and for TURN over TLS alike; Firefox takes any certificate
 */

/**
 * @typedef {object} Tab  One page in a browser of its own.
 * @property {'chromium' | 'firefox'} kind
 * @property {string[]} log console lines and page errors
 * @property {(url: string) => Promise<unknown>} goto
 * @property {() => Promise<unknown>} reload
 * @property {<A, R>(fn: (arg: A) => R | Promise<R>, arg?: A) => Promise<R>} evaluate
 * @property {<A>(fn: (arg: A) => unknown, arg?: A) => Promise<unknown>} until  waits until fn is truthy in the page
 * @property {(selector: string) => Promise<unknown>} click
 * @property {(selector: string, text: string) => Promise<unknown>} fill
 * @property {(key: 'Enter' | 'Escape' | 'Tab' | 'ArrowUp' | 'ArrowDown' | 'ArrowRight' | 'ContextMenu') => Promise<unknown>} press
 * @property {(selector: string, ...paths: string[]) => Promise<unknown>} upload
 * @property {(path: string) => Promise<unknown>} screenshot
 * @property {(width: number, height: number) => Promise<unknown>} resize
 * @property {import('playwright-core').Page | null} playwright for tools that need the page itself (axe); null in Firefox
 * @property {((person: Person) => Promise<Tab>) | null} beside  a page of somebody else in this browser, who shares its camera and microphone; null in Firefox
 * @property {() => Promise<void>} close
 */

/** A program's place on PATH. @param {string[]} names the first one found wins */
function find(...names) {
  for (const name of names) {
    for (const dir of (process.env.PATH ?? '').split(delimiter)) {
      try {
        accessSync(join(dir, name), constants.X_OK);
        return join(dir, name);
      } catch {
        // not here
      }
    }
  }
  throw new Error(`none of ${names.join(', ')} is on PATH`);
}

/**
 * Source text that installs readers (`window.neoE2E`) and fake capture in every page, and says whether somebody looks at their devices before calls.
 * @param {import('../page/media.mjs').CaptureOptions} capture @param {Person} person
 */
function preload(capture, { checks = false }) {
  const habits = checks ? '' : "try { localStorage.setItem('call-check', 'no'); } catch { /* about:blank keeps nothing */ }";
  return `${habits} { const code = (${pictureCode})(); window.neoE2E = { ...(${readers})(code), ...(${paths})() }; (${fakeCapture})(code, ${JSON.stringify(capture)}); }`;
}

/** @param {Trust} [trust] @returns {string[]} */
function trustFlags({ origin, spki } = {}) {
  // Narrower than --ignore-certificate-errors: a wrong key is still found. It holds for pages and for TURN.
  return [...(origin ? [`--unsafely-treat-insecure-origin-as-secure=${origin}`] : []), ...(spki ? [`--ignore-certificate-errors-spki-list=${spki}`] : [])];
}

/** @param {Person} person @param {string} dir @returns {string[]} */
function chromiumFlags(person, dir) {
  const flags = [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
    '--disable-sync', '--autoplay-policy=no-user-gesture-required', ...trustFlags(person.trust),
    ...(person.keepsCallsOff ? ['--webrtc-ip-handling-policy=disable_non_proxied_udp'] : []),
  ];
  if (person.devices === 'missing') return flags;
  if (person.devices === 'refused') return [...flags, '--use-fake-device-for-media-stream', '--deny-permission-prompts'];
  const film = join(dir, 'camera.y4m');
  const voice = join(dir, 'microphone.wav');
  writeFilm(film, person.id, person);
  writeVoice(voice, person.tone);
  return [
    ...flags, '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream',
    `--use-file-for-fake-video-capture=${film}`, `--use-file-for-fake-audio-capture=${voice}`,
  ];
}

/** Opens Chromium with the person's camera and voice played from files. @param {Person} person @param {NodeJS.ProcessEnv} env @returns {Promise<Tab>} */
export async function openChromium(person, env) {
  const dir = mkdtempSync(join(tmpdir(), 'neochat-e2e-chromium-'));
  const browser = await chromium.launch({
    executablePath: find('chromium', 'chromium-browser', 'google-chrome'),
    args: chromiumFlags(person, dir),
    ignoreDefaultArgs: ['--mute-audio'],
    // A server that is not there: otherwise the sound library might start one of its own that outlives the browser.
    env: /** @type {Record<string, string>} */ ({ ...env, PULSE_SERVER: 'unix:/nonexistent' }),
  });
  return chromiumTab(browser, person, async () => {
    await browser.close();
    rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
  });
}

/**
 * A page of somebody in a browser that is open.
 * @param {import('playwright-core').Browser} browser @param {Person} person @param {() => Promise<void>} close @returns {Promise<Tab>}
 */
async function chromiumTab(browser, person, close) {
  const context = await browser.newContext({
    locale: person.locale ?? 'en-US',
    colorScheme: person.dark ? 'dark' : 'light',
    viewport: person.viewport ?? { width: 1280, height: 800 },
    hasTouch: person.fingers ?? false,
    isMobile: person.fingers ?? false,
  });
  await context.addInitScript(preload({ screen: person.screen, screenTone: person.screenTone }, person));
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  /** @type {string[]} */
  const log = [];
  page.on('console', (line) => log.push(`${line.type()} ${line.text()}`));
  page.on('pageerror', (error) => log.push(`uncaught ${error.stack}`));
  return {
    kind: 'chromium', log, playwright: page,
    beside: (other) => chromiumTab(browser, other, () => Promise.resolve()),
    goto: (url) => page.goto(url),
    reload: () => page.reload(),
    evaluate: (fn, arg) => page.evaluate(/** @type {any} */ (fn), arg),
    until: (fn, arg) => page.waitForFunction(/** @type {any} */ (fn), arg, { polling: 50 }),
    click: (selector) => page.locator(selector).click(),
    fill: (selector, text) => page.locator(selector).fill(text),
    press: (key) => page.keyboard.press(key),
    upload: (selector, ...paths) => page.locator(selector).setInputFiles(paths),
    screenshot: (path) => page.screenshot({ path }),
    resize: (width, height) => page.setViewportSize({ width, height }),
    close,
  };
}

/** Preferences that let a page film without asking and keep the browser from calling home. @param {Person} person */
const firefoxPrefs = (person) => ({
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.autoplay.default': 0,
  'media.autoplay.blocking_policy': 0,
  'media.peerconnection.ice.loopback': true,
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  'intl.accept_languages': person.locale ?? 'en-US',
  'layout.css.prefers-color-scheme.content-override': person.dark ? 0 : 1,
  'app.update.disabledForTesting': true,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'browser.safebrowsing.downloads.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'toolkit.telemetry.enabled': false,
  'services.settings.server': 'data:,#remote-settings-dummy/v1',
  'media.gmp-manager.updateEnabled': false,
  ...(person.trust?.origin ? { 'dom.securecontext.allowlist': new URL(person.trust.origin).hostname } : {}),
});

/** Opens Firefox; its camera and voice are drawn and played inside the page. @param {Person} person @param {NodeJS.ProcessEnv} env @returns {Promise<Tab>} */
export async function openFirefox(person, env) {
  const dir = mkdtempSync(join(tmpdir(), 'neochat-e2e-firefox-'));
  const sound = await openSoundCard(env);
  const browser = await puppeteer.launch({
    browser: 'firefox', protocol: 'webDriverBiDi', executablePath: find('firefox-esr', 'firefox'), headless: true, userDataDir: dir,
    env: { ...env, ...sound.env, HOME: dir, MOZ_DISABLE_CONTENT_SANDBOX: '1' }, // the sandbox needs rights a container does not give
    extraPrefsFirefox: firefoxPrefs(person), acceptInsecureCerts: person.trust?.spki !== undefined,
    defaultViewport: person.viewport ?? { width: 1280, height: 800 },
  }).catch((error) => sound.close().then(() => Promise.reject(error)));
  const page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE);
  await page.evaluateOnNewDocument(preload({ camera: person.id, tone: person.tone, screen: person.screen, screenTone: person.screenTone }, person));
  /** @type {string[]} */
  const log = [];
  page.on('console', (line) => log.push(`${line.type()} ${line.text()}`));
  page.on('pageerror', (error) => log.push(`uncaught ${error instanceof Error ? error.stack : error}`));
  return {
    kind: 'firefox', log, playwright: null, beside: null,
    goto: (url) => page.goto(url),
    reload: () => page.reload(),
    evaluate: (fn, arg) => page.evaluate(/** @type {any} */ (fn), arg),
    until: (fn, arg) => page.waitForFunction(/** @type {any} */ (fn), { polling: 50 }, arg),
    click: (selector) => page.locator(selector).click(),
    fill: (selector, text) => page.locator(selector).fill(text),
    press: (key) => page.keyboard.press(key),
    async upload(selector, ...paths) {
      const input = /** @type {import('puppeteer-core').ElementHandle<HTMLInputElement> | null} */ (await page.$(selector));
      if (!input) throw new Error(`nothing to attach a file to: ${selector}`);
      await input.uploadFile(...paths);
    },
    screenshot: (path) => page.screenshot({ path: /** @type {`${string}.png`} */ (path) }),
    resize: (width, height) => page.setViewport({ width, height }),
    async close() {
      await browser.close();
      await sound.close();
      rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
