import { useEffect } from 'preact/hooks';
import { checking } from '../call/before';
import { active, incoming, outgoing } from '../call/state';
import { current, list } from '../chat/store';
import { titleOf } from '../chat/author';
import { unread } from '../chat/line';
import { inConnection, inSettings } from '../chat/route';
import { nameOf } from '../people/people';
import { phase } from '../session/session';
import { t } from '../text';
import { BeforeDialog } from './call/BeforeDialog';
import { CallPeople } from './call/CallPeople';
import { CallView } from './call/CallView';
import { GuestPage } from './call/GuestPage';
import { IncomingDialog } from './call/IncomingDialog';
import { OutgoingView } from './call/OutgoingView';
import { ReturnToCall } from './call/ReturnToCall';
import { callShown, chatBeside } from './call/shown';
import { ChatView } from './chat/ChatView';
import { Confirm } from './Confirm';
import { ConnectionPage } from './connection/ConnectionPage';
import { LanguageButton } from './LanguageButton';
import { Notices } from './Notices';
import { Settings } from './settings/Settings';
import { Sidebar } from './side/Sidebar';
import { SignIn } from './SignIn';

/** The whole page. */
export function App() {
  return (
    <>
      {phase.value === 'in' ? <Home /> : phase.value === 'guest' ? <GuestPage /> : phase.value === 'out' ? <SignIn /> : <Waiting />}
      <Notices layer="page" />
    </>
  );
}

function Waiting() {
  return (
    <main class="sign-in">
      <p role="status" data-testid={phase.value === 'away' ? 'notice' : undefined}>{phase.value === 'away' ? t('server_away') : t('starting')}</p>
      <LanguageButton />
    </main>
  );
}

function Home() {
  useTitle();
  const ring = incoming.value.find((call) => !call.hidden);
  const inCall = !!active.value && !outgoing.value;
  const target = current.value;
  const layout = ['home', target || inSettings.value || inConnection.value ? 'has-chat' : '', inCall ? 'has-call' : '', inCall && callShown.value ? 'call-shown' : '', inCall && !chatBeside.value ? 'chat-away' : '', inCall && target ? 'with-talk' : ''];
  return (
    <div class={layout.filter(Boolean).join(' ')}>
      <Sidebar />
      {inCall && <CallView />}
      {inSettings.value ? <Settings /> : inConnection.value ? <ConnectionPage /> : target ? <ChatView key={`${target.kind}:${target.id}`} /> : <Nothing />}
      <CallPeople />
      {outgoing.value && <OutgoingView call={outgoing.value} />}
      {ring && <IncomingDialog key={ring.cell_key} call={ring} />}
      {checking.value && !ring && <BeforeDialog of={checking.value} />}
      <Confirm />
    </div>
  );
}

function Nothing() {
  return (
    <main class="chat nothing">
      <h1>NeoChat</h1>
      <p class="muted">{t('pick_conversation')}</p>
      <ReturnToCall />
    </main>
  );
}

/** The title tells whom one talks to and what is unread, and flashes while it rings. */
function useTitle() {
  const ring = incoming.value.find((call) => !call.hidden);
  const count = list.value.reduce((sum, c) => sum + unread(c), 0);
  const place = current.value ? `${titleOf(current.value)} · NeoChat` : 'NeoChat';
  const calm = count ? `(${count}) ${place}` : place;
  const loud = ring ? `☎ ${t(ring.kind === 'videocall' ? 'incoming_videocall' : 'incoming_call', { who: nameOf(ring.user_account) })}` : '';
  useEffect(() => {
    document.title = loud || calm;
    if (!loud) return undefined;
    const timer = setInterval(() => (document.title = document.title === loud ? calm : loud), 1000);
    return () => clearInterval(timer);
  }, [calm, loud]);
  useEffect(() => () => void (document.title = 'NeoChat'), []);
}
