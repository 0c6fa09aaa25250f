// Readers inside a page: what is really rendered in a <video> and really played by an <audio>.
// Sent into pages as source text before their own scripts run; refers to nothing outside itself and its arguments.

/**
 * @typedef {object} Film  What a <video> showed.
 * @property {import('./code.mjs').Stamp[]} stamps one for each frame seen that differs from the one before
 * @property {number} unreadable looks that met no intact code
 * @property {string} state why there is nothing, in words
 */
/**
 * @typedef {object} Sound  What an <audio> played.
 * @property {{peak: number, levels: Record<string, number>}[]} windows loud moments: strongest frequency (Hz) and level (dB) at each known tone
 * @property {number} quiet moments without sound
 * @property {string} state why there is nothing, in words
 */

/** Makes the readers. @param {ReturnType<typeof import('./code.mjs').pictureCode>} code */
export function readers(code) {
  const canvas = document.createElement('canvas');
  canvas.width = code.COLS * 4;
  canvas.height = code.ROWS * 4;
  const g = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d', { willReadFrequently: true }));
  const pause = (/** @type {number} */ ms) => new Promise((done) => setTimeout(done, ms));

  /** The code in what a video shows now. @param {HTMLVideoElement} video */
  function readPicture(video) {
    g.drawImage(video, 0, 0, canvas.width, canvas.height);
    const { data } = g.getImageData(0, 0, canvas.width, canvas.height);
    // The middle four of a block's sixteen pixels: its edges are blurred by scaling.
    return code.decode((col, row) => {
      let sum = 0;
      for (const [dx, dy] of [[1, 1], [2, 1], [1, 2], [2, 2]]) {
        const at = ((row * 4 + dy) * canvas.width + col * 4 + dx) * 4;
        sum += 0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2];
      }
      return sum / 4;
    });
  }

  /** @param {HTMLVideoElement | null} video */
  function videoState(video) {
    if (!video) return 'no such element';
    const box = video.getBoundingClientRect();
    if (box.width < 16 || box.height < 16 || getComputedStyle(video).visibility !== 'visible') return 'not visible';
    if (video.paused) return 'paused';
    return video.videoWidth ? '' : 'no frame yet';
  }

  /**
   * Watches until `frames` different frames were read or `patience` ms have gone.
   * @param {{selector: string, frames: number, patience: number}} options @returns {Promise<Film>}
   */
  async function watchFilm({ selector, frames, patience }) {
    const end = performance.now() + patience;
    /** @type {Film} */
    const film = { stamps: [], unreadable: 0, state: '' };
    while (film.stamps.length < frames && performance.now() < end) {
      const video = /** @type {HTMLVideoElement | null} */ (document.querySelector(selector));
      film.state = videoState(video);
      const stamp = video && !film.state ? readPicture(video) : null;
      const last = film.stamps.at(-1);
      if (video && !film.state && !stamp) film.unreadable++;
      if (stamp && (stamp.id !== last?.id || stamp.counter !== last.counter)) film.stamps.push(stamp);
      await pause(30);
    }
    return film;
  }

  /** @param {HTMLMediaElement | null} element @returns {string} */
  function audioState(element) {
    if (!element) return 'no such element';
    if (!(element.srcObject instanceof MediaStream) || !element.srcObject.getAudioTracks().length) return 'no audio track';
    if (element.paused) return 'paused';
    return element.muted || element.volume === 0 ? 'muted' : '';
  }

  /** One look at a spectrum. @param {AnalyserNode} analyser @param {number[]} tones */
  function spectrum(analyser, tones) {
    const bins = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(bins);
    const width = analyser.context.sampleRate / analyser.fftSize;
    let best = Math.ceil(200 / width);
    for (let i = best; i < bins.length; i++) if (bins[i] > bins[best]) best = i;
    const levels = Object.fromEntries(tones.map((tone) => {
      const at = Math.round(tone / width);
      return [tone, Math.max(...bins.slice(at - 1, at + 2))];
    }));
    return { peak: best * width, loud: bins[best] > -65, levels };
  }

  /**
   * Listens until `windows` loud moments were met or `patience` ms have gone.
   * @param {{selector: string, windows: number, patience: number, tones: number[]}} options @returns {Promise<Sound>}
   */
  async function listen({ selector, windows, patience, tones }) {
    const end = performance.now() + patience;
    const context = new AudioContext();
    void context.resume();
    const analyser = context.createAnalyser();
    analyser.fftSize = 8192;
    analyser.smoothingTimeConstant = 0;
    /** @type {Sound} */
    const sound = { windows: [], quiet: 0, state: '' };
    /** @type {MediaStream | null} */
    let stream = null;
    /** @type {MediaStreamAudioSourceNode | null} */
    let source = null;
    while (sound.windows.length < windows && performance.now() < end) {
      const element = /** @type {HTMLMediaElement | null} */ (document.querySelector(selector));
      sound.state = context.state === 'running' ? audioState(element) : 'no sound device';
      const now = element && !sound.state ? /** @type {MediaStream} */ (element.srcObject) : null;
      if (now !== stream) {
        source?.disconnect();
        source = now && context.createMediaStreamSource(now);
        source?.connect(analyser);
        stream = now;
      }
      await pause(171); // 8192 samples at 48 kHz: windows do not overlap
      const { peak, loud, levels } = spectrum(analyser, tones);
      if (stream && loud) sound.windows.push({ peak, levels });
      else sound.quiet++;
    }
    await context.close();
    return sound;
  }

  /**
   * Arms a stop-watch: from the next click on `button` to the first frame presented by `video`. `firstFrame()` then tells the milliseconds.
   * @param {{button: string, video: string}} selectors
   */
  function armFirstFrame({ button, video }) {
    let started = 0;
    /** @type {(ms: number) => void} */
    let done = () => {};
    /** @type {Promise<number>} */
    const result = new Promise((resolve) => (done = resolve));
    const poll = () => {
      const element = /** @type {HTMLVideoElement | null} */ (document.querySelector(video));
      if (!element) return void requestAnimationFrame(poll);
      element.requestVideoFrameCallback((now) => done(now - started));
    };
    const onClick = (/** @type {Event} */ event) => {
      if (!(event.target instanceof Element) || !event.target.closest(button)) return;
      removeEventListener('click', onClick, true);
      started = performance.now();
      poll();
    };
    addEventListener('click', onClick, true);
    measured = result;
  }

  /** @type {Promise<number> | undefined} */
  let measured;
  const firstFrame = () => measured ?? Promise.reject(new Error('the stop-watch is not armed'));
  return { watchFilm, listen, armFirstFrame, firstFrame };
}
