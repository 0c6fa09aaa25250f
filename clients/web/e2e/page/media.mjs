// Fake capture inside a page: for a browser that cannot be given files (Firefox), and for shared screens in all of them.
// Sent into pages as source text before their own scripts run; refers to nothing outside itself and its argument.

/**
 * @typedef {object} CaptureOptions
 * @property {number} [camera] picture id of the camera; absent: the browser's own getUserMedia stays
 * @property {number} [tone] Hz of the microphone
 * @property {number} [screen] picture id of a shared screen
 * @property {number} [screenTone] Hz of what a shared screen plays, where that is asked for
 */

/** Replaces getUserMedia and/or getDisplayMedia. @param {ReturnType<typeof import('./code.mjs').pictureCode>} code @param {CaptureOptions} options */
export function fakeCapture(code, options) {
  const devices = navigator.mediaDevices;
  if (!devices) return; // about:blank and other insecure places have none

  /** A moving picture of `id`. @param {number} id @param {number} width @param {number} height */
  function film(id, width, height) {
    const canvas = document.createElement('canvas');
    canvas.width = width;
    canvas.height = height;
    const g = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
    const block = width / code.COLS;
    let counter = 0;
    const draw = () => {
      code.encode({ id, counter }).forEach((light, i) => {
        g.fillStyle = `hsl(${(id * 47) % 360} 30% ${light ? 82 : 18}%)`;
        g.fillRect((i % code.COLS) * block, Math.floor(i / code.COLS) * block, block, block);
      });
      counter = (counter + 1) % code.PERIOD;
    };
    draw();
    const [track] = canvas.captureStream().getVideoTracks();
    const timer = setInterval(() => (track.readyState === 'ended' ? clearInterval(timer) : draw()), 1000 / 15);
    return track;
  }

  /** A voice of one tone. @param {number} tone */
  function voice(tone) {
    const context = new AudioContext();
    const out = context.createMediaStreamDestination();
    const oscillator = context.createOscillator();
    const gain = context.createGain();
    const syllables = context.createOscillator();
    const depth = context.createGain();
    oscillator.frequency.value = tone;
    gain.gain.value = 0.25;
    syllables.frequency.value = 2;
    depth.gain.value = 0.25;
    syllables.connect(depth).connect(gain.gain);
    oscillator.connect(gain).connect(out);
    oscillator.start();
    syllables.start();
    void context.resume();
    return out.stream.getAudioTracks()[0];
  }

  const { camera, tone = 0, screen, screenTone } = options;
  if (camera !== undefined) {
    devices.getUserMedia = async (constraints = {}) => {
      const tracks = [];
      if (constraints.audio) tracks.push(voice(tone));
      if (constraints.video) tracks.push(film(camera, 640, 360));
      if (!tracks.length) throw new TypeError('neither audio nor video asked for');
      return new MediaStream(tracks);
    };
  }
  if (screen !== undefined) {
    devices.getDisplayMedia = async ({ audio } = {}) => new MediaStream([film(screen, 1280, 720), ...(audio && screenTone ? [voice(screenTone)] : [])]);
  }
}
