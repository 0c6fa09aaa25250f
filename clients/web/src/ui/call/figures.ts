// The figures of a call as people read them. Pure.
import type { Path, Flow, Rate } from '../../call/statistics';
import type { TextKey } from '../../text';

/** A figure: what it is called, and its value with its unit. */
export type Figure = readonly [TextKey, string];

const dash = '–';

/** A rate for people. */
export function rateText(bitrate: number): string {
  if (bitrate >= 1_000_000) return `${(bitrate / 1_000_000).toFixed(1)} Mbit/s`;
  return `${Math.round(bitrate / 1000)} kbit/s`;
}

/** A part of a whole for people. */
export function partText(part: number): string {
  return `${(part * 100).toFixed(part > 0 && part < 0.1 ? 1 : 0)} %`;
}

const msText = (ms: number) => `${Math.round(ms)} ms`;

/** What is told of a stream. `asked` is the size its picture was asked for in; '' where that means nothing. */
export function figuresOf(flow: Flow, rate: Rate, asked: string): Figure[] {
  const { kind, sent, width, height, fps } = flow;
  const figures: (Figure | false)[] = [
    kind === 'video' && ['stat_size', width ? `${width}×${height}` : dash],
    asked !== '' && ['stat_asked', asked === 'none' ? dash : asked.replace('x', '×')],
    kind === 'video' && ['stat_fps', String(Math.round(fps))],
    ['stat_bitrate', rateText(rate.bitrate)],
    ['stat_loss', partText(rate.lost)],
    ['stat_jitter', msText(flow.jitter)],
    sent && ['stat_round_trip', flow.roundTrip ? msText(flow.roundTrip) : dash],
    kind === 'audio' && !sent && ['stat_concealed', partText(rate.concealed)],
    kind === 'video' && !sent && ['stat_frozen', partText(rate.frozen)],
    flow.codec !== '' && ['stat_codec', flow.codec],
    flow.rid !== '' && ['stat_layer', flow.rid],
  ];
  return figures.filter((figure) => figure !== false);
}

/** How the path to the server is called. */
export function pathText({ type, protocol, relay }: Path): TextKey {
  if (type === 'relay') return relay === 'udp' ? 'path_relay_udp' : relay === 'tls' ? 'path_relay_tls' : 'path_relay_tcp';
  return protocol === 'tcp' ? 'path_tcp' : 'path_udp';
}

/** What is told of the path to the server. */
export function figuresOfPath({ roundTrip, uplink, port }: Path): Figure[] {
  const figures: (Figure | false)[] = [
    ['stat_round_trip', roundTrip ? msText(roundTrip) : dash],
    port > 0 && ['stat_port', String(port)],
    uplink > 0 && ['stat_uplink', rateText(uplink)],
  ];
  return figures.filter((figure) => figure !== false);
}
