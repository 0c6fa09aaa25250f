import { render } from 'preact';
import './style/base.css';
import './style/list.css';
import './style/chat.css';
import './style/call.css';
import './chat/outbox';
import './chat/groups';
import './call/ringing';
import './call/levels';
import './call/sound';
import { boot } from './session/session';
import { App } from './ui/App';

const root = document.getElementById('app');
if (root) render(<App />, root);
void boot();
