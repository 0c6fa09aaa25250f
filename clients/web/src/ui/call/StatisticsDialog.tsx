import { useEffect, useState } from 'preact/hooks';
import { peer } from '../../call/active';
import { links } from '../../call/links';
import { askedOf } from '../../call/sizes';
import { active, type Active, type Source } from '../../call/state';
import { rateOf, type Flow, type Snapshot } from '../../call/statistics';
import { nameOf } from '../../people/people';
import { t, type TextKey } from '../../text';
import { Dialog } from '../Dialog';
import { figuresOf, figuresOfPath, pathText, type Figure } from './figures';
import { Bars } from './LinkMark';
import { statisticsShown } from './shown';

const every = 1000;

/** The figures of the call; nothing is gathered for it while it is closed. */
export function StatisticsDialog() {
  return statisticsShown.value ? <Open /> : null;
}

interface Seen {
  before: Snapshot | undefined;
  now: Snapshot;
}

function Open() {
  const [seen, setSeen] = useState<Seen>();
  useEffect(() => {
    let over = false;
    const look = () => {
      peer.peek()?.look().then(
        ({ statistics }) => {
          if (!over) setSeen((last) => ({ before: last?.now, now: statistics }));
        },
        () => undefined, // it was closed meanwhile
      );
    };
    look();
    const timer = setInterval(look, every);
    return () => {
      over = true;
      clearInterval(timer);
    };
  }, []);
  const call = active.value;
  return (
    <Dialog title={t('statistics')} testid="statistics" class="statistics" onClose={() => (statisticsShown.value = false)}>
      <div class="statistics-body" tabIndex={0} role="region" aria-label={t('statistics')}>
        {call && <Marks call={call} />}
        {seen && call && <Figures call={call} seen={seen} />}
      </div>
    </Dialog>
  );
}

/** How everybody comes through, and what keeps them from it. */
function Marks({ call }: { call: Active }) {
  const people = [['', t('you')], ...[...call.participants.values()].map((p) => [p.participant, nameOf(p.user_account)])] as const;
  return (
    <section>
      <h3>{t('stat_people')}</h3>
      <ul class="marks">
        {people.map(([id = '', name]) => {
          const mark = links.value.get(id);
          return (
            <li key={id}>
              <Bars level={mark?.level ?? 'good'} />
              <strong class="ellipsis" data-ellipsis>{name}</strong>
              <span>{mark?.cause ? t(`link_${mark.cause}`) : t('link_good')}</span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

function Figures({ call, seen: { before, now } }: { call: Active; seen: Seen }) {
  const rated = now.flows.map((flow) => ({ flow, rate: rateOf(before?.flows.find(({ id }) => id === flow.id), flow) }));
  const sent = rated.filter(({ flow, rate }) => flow.sent && (rate.bitrate > 0 || !before));
  return (
    <>
      <section>
        <h3>{t('stat_path')}</h3>
        {now.path ? <Line name={t(pathText(now.path))} figures={figuresOfPath(now.path)} /> : <p class="muted">{t('joining')}</p>}
      </section>
      <section>
        <h3>{t('stat_sent')}</h3>
        {sent.length === 0 && <p class="muted">{t('stat_nothing')}</p>}
        {sent.map(({ flow, rate }) => (
          <Line key={flow.id} name={t(sourceText(sentSource(flow)))} figures={figuresOf(flow, rate, '')} note={flow.limited === 'bandwidth' || flow.limited === 'cpu' ? t(`stat_limited_${flow.limited}`) : ''} />
        ))}
      </section>
      <section>
        <h3>{t('stat_received')}</h3>
        {call.participants.size === 0 && <p class="muted">{t('stat_nothing')}</p>}
        {[...call.participants.values()].flatMap(({ participant, user_account, tracks }) =>
          Object.values(tracks).map(({ source, mid }) => {
            const found = rated.find(({ flow }) => !flow.sent && mid !== '' && flow.mid === mid);
            if (!found) return null;
            const asked = source === 'camera' || source === 'screen' ? askedOf(participant, source) : '';
            return <Line key={`${participant} ${source}`} name={`${nameOf(user_account)} · ${t(sourceText(source))}`} figures={figuresOf(found.flow, found.rate, asked)} />;
          }),
        )}
      </section>
    </>
  );
}

function sentSource({ mid, kind }: Flow): Source {
  const source = (['microphone', 'camera', 'screen', 'screen_audio'] as const).find((one) => peer.peek()?.midOf(one) === mid);
  return source ?? (kind === 'audio' ? 'microphone' : 'camera');
}

const sourceText = (source: Source): TextKey => `source_${source}`;

function Line({ name, figures, note }: { name: string; figures: readonly Figure[]; note?: string }) {
  return (
    <div class="figures" data-testid="figures">
      <strong>{name}</strong>
      <dl>
        {figures.map(([key, value]) => (
          <div key={key}>
            <dt>{t(key)}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {note && <p class="muted">{note}</p>}
    </div>
  );
}
