// How well each person in the call comes through, as the call's watch looks at the statistics.
import { signal } from '@preact/signals';
import { judge, steady, type Mark, type OtherLink, type OwnLink, type Steady } from './linkjudge';
import { pictures } from './quality';
import type { Participant, Participants } from './state';
import { rateOf, type Flow, type Rate, type Snapshot } from './statistics';

/** The mark of everybody by participant; one's own at ''. Who is not in it has not been looked at. */
export const links = signal<ReadonlyMap<string, Mark>>(new Map());

/** Fewer packets than that in a second say nothing of loss. */
const fewest = 5;

let last = new Map<string, Flow>();
let marks = new Map<string, Steady>();

/** Forgets everything: another PeerConnection. */
export function forgetLinks(): void {
  last = new Map();
  marks = new Map();
  links.value = new Map();
}

/** Takes a look at the statistics. */
export function weigh(participants: Participants, { flows, path }: Snapshot): void {
  const rates = flows.map((flow) => ({ flow, rate: weighed(last.get(flow.id), flow) }));
  last = new Map(flows.map((flow) => [flow.id, flow]));
  const own: OwnLink = { ...ownLink(rates), roundTrip: path?.roundTrip ?? 0 };
  const others = [...participants.values()].flatMap((p) => otherLink(p, rates) ?? []);
  const now = judge({ own, ...pictures.value, others });
  marks = new Map([...now].map(([id, mark]) => [id, steady(marks.get(id), mark)]));
  const shown = new Map([...marks].map(([id, { mark }]) => [id, mark]));
  if (JSON.stringify([...shown]) !== JSON.stringify([...links.value])) links.value = shown;
}

interface Rated {
  flow: Flow;
  rate: Rate;
}

function weighed(before: Flow | undefined, now: Flow): Rate {
  const rate = rateOf(before, now);
  return now.packets - (before?.packets ?? 0) < fewest ? { ...rate, lost: 0 } : rate;
}

function ownLink(rates: readonly Rated[]): Omit<OwnLink, 'roundTrip'> {
  const sent = rates.filter(({ flow, rate }) => flow.sent && rate.bitrate > 0);
  const limits = sent.map(({ flow }) => flow.limited);
  return {
    lost: Math.max(0, ...sent.map(({ rate }) => rate.lost)),
    limited: limits.find((limited) => limited === 'bandwidth') ?? limits.find((limited) => limited === 'cpu') ?? 'none',
  };
}

/** What arrives of somebody; undefined while nothing is to. */
function otherLink({ participant, tracks }: Participant, rates: readonly Rated[]): OtherLink | undefined {
  const mids = Object.values(tracks).flatMap(({ mid, muted }) => (mid && !muted ? [mid] : []));
  const mine = rates.filter(({ flow }) => !flow.sent && mids.includes(flow.mid));
  if (mine.length === 0) return undefined;
  const most = (key: 'lost' | 'concealed' | 'frozen') => Math.max(0, ...mine.map(({ rate }) => rate[key]));
  return { participant, lost: most('lost'), concealed: most('concealed'), frozen: most('frozen') };
}
