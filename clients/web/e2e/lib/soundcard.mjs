// A sound card that plays into nothing. Firefox starts no AudioContext on a machine without one; Chromium brings its own.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** Whether something accepts connections at a Unix socket. @param {string} path @returns {Promise<boolean>} */
const accepts = (path) => new Promise((done) => {
  const socket = connect(path, () => {
    socket.destroy();
    done(true);
  });
  socket.on('error', () => done(false));
});

/**
 * Starts a PulseAudio with one null sink. `env` is what a browser needs to find it.
 * @param {NodeJS.ProcessEnv} env @returns {Promise<{env: NodeJS.ProcessEnv, close: () => Promise<void>}>}
 */
export async function openSoundCard(env) {
  const dir = mkdtempSync(join(tmpdir(), 'neochat-e2e-sound-'));
  const socket = join(dir, 'socket');
  const child = spawn('pulseaudio', [
    '-n', '--daemonize=no', '--use-pid-file=no', '--exit-idle-time=-1', '--disable-shm=yes', '--log-level=error',
    '-L', 'module-null-sink', '-L', `module-native-protocol-unix socket=${socket} auth-anonymous=1`,
  ], { env: { ...env, HOME: dir, XDG_RUNTIME_DIR: dir, DBUS_SESSION_BUS_ADDRESS: 'disabled:' }, stdio: 'ignore' });
  /** @type {Promise<string>} */
  const gone = new Promise((done) => {
    child.once('error', (error) => done(`pulseaudio does not start (Debian package pulseaudio): ${error.message}`));
    child.once('exit', (code) => done(`pulseaudio ended with ${code}`));
  });
  const close = async () => {
    child.kill();
    await gone;
    rmSync(dir, { recursive: true, force: true });
  };
  /** @type {string | undefined} */
  let failure;
  void gone.then((why) => (failure = why));
  while (!(await accepts(socket))) {
    if (failure) throw new Error(failure);
    await pause(30);
  }
  return { env: { PULSE_SERVER: `unix:${socket}` }, close };
}
