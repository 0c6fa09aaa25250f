// Keeps the layers that the camera is sent in level with its picture and with what the others want.
import { layersFor, sizeOf } from './layers';

/** Makes a function that divides the picture of a sender anew. */
export function createAdapter(): (sender: RTCRtpSender, wanted: ReadonlySet<string> | undefined) => void {
  // Browsers take one change at a time, made from how it was.
  let before = Promise.resolve();

  async function adapt(sender: RTCRtpSender, wanted: ReadonlySet<string> | undefined) {
    const parameters = sender.getParameters();
    if (parameters.encodings.length < 2) return;
    const layers = layersFor(sizeOf(sender.track), wanted);
    const encodings = parameters.encodings.map((e) => ({ ...e, ...layers.find(({ rid }) => rid === e.rid) }));
    if (JSON.stringify(encodings) !== JSON.stringify(parameters.encodings)) await sender.setParameters({ ...parameters, encodings });
  }

  return (sender, wanted) => {
    before = before.then(() => adapt(sender, wanted)).catch((error: unknown) => {
      console.warn('layers', error);
    });
  };
}
