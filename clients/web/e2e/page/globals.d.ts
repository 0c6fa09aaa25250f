import type { paths } from './paths.mjs';
import type { readers } from './readers.mjs';

declare global {
  // Installed by the preload script in every page under test.
  var neoE2E: ReturnType<typeof readers> & ReturnType<typeof paths>;
  // Of the page that tests the readers.
  var callMyself: () => Promise<void>;
  var media: MediaStreamTrack[];
  var from: RTCPeerConnection;
}
