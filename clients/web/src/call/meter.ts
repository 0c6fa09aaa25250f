// How loud a microphone is.
import { levelOf } from './loudness';

/** How often it is looked at, ms. */
const every = 80;

/** Tells the level of a track, 0 to 100, several times a second until the function it gives is called. */
export function meter(track: MediaStreamTrack, tell: (level: number) => void): () => void {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 2048;
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    if (context.state !== 'running') void context.resume();
    analyser.getFloatTimeDomainData(samples);
    tell(levelOf(samples));
  }, every);
  return () => {
    clearInterval(timer);
    void context.close();
  };
}
