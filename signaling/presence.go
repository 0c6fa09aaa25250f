package signaling

import (
	"context"
	"maps"
	"sync"
	"time"

	"neochat/wire"
)

// maxWatched is how many accounts one connection may watch, or ask for at once.
const maxWatched = 200

// view is what somebody is told of an account's presence.
type view struct {
	state    string // online, away or offline
	lastSeen int64  // Unix ms; 0: not to be seen
}

// watched is one account that a connection watches.
type watched struct {
	told    view
	pending bool // the answer that tells it first is on its way
	missed  bool // something changed meanwhile
}

// presence tells who watches whom what changed, and notes when accounts were last here. Its one
// goroutine runs only while there is something to tell or to note.
type presence struct {
	srv *Server

	mu       sync.Mutex
	watchers map[string]map[*conn]*watched // by account; guarded by mu, like the rest
	watching map[*conn][]string            // the accounts that a connection watches
	changed  map[string]struct{}           // accounts whose watchers are to be told
	gone     map[string]int64              // accounts whose last connection went, and when; not stored yet
	storing  map[string]int64              // those on their way to the database
	running  bool
	ended    bool
	work     sync.WaitGroup // the goroutine
}

func newPresence(s *Server) *presence {
	return &presence{srv: s, watchers: map[string]map[*conn]*watched{}, watching: map[*conn][]string{},
		changed: map[string]struct{}{}, gone: map[string]int64{}}
}

// state is what account's connections say.
func (p *presence) state(account string) string {
	state := "offline"
	for _, c := range p.srv.hub.of(account) {
		if !c.away.Load() {
			return "online"
		}
		state = "away"
	}
	return state
}

// moved notes that what others may see of accounts may have changed. It never waits.
func (p *presence) moved(accounts ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, account := range accounts {
		if len(p.watchers[account]) > 0 {
			p.changed[account] = struct{}{}
		}
	}
	p.startLocked()
}

// left notes that a connection went.
func (p *presence) left(c *conn) {
	last := len(p.srv.hub.of(c.account)) == 0
	p.mu.Lock()
	p.unwatchLocked(c)
	if last {
		p.gone[c.account] = time.Now().UnixMilli()
	}
	p.mu.Unlock()
	p.moved(c.account)
}

func (p *presence) startLocked() {
	if p.running || p.ended || len(p.changed) == 0 && (len(p.gone) == 0 || p.storing != nil) {
		return
	}
	p.running = true
	p.work.Add(1)
	go p.run()
}

// run tells and notes until there is nothing left.
func (p *presence) run() {
	defer p.work.Done()
	for {
		changed, gone, more := p.take()
		if !more {
			return
		}
		if len(gone) > 0 {
			p.srv.store.Seen(gone, p.stored)
		}
		for account := range changed {
			p.tell(account)
		}
	}
}

// take returns what is to be told and what is to be noted; more: there is some, else the goroutine must end.
func (p *presence) take() (changed map[string]struct{}, gone map[string]int64, more bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	note := p.storing == nil && len(p.gone) > 0
	if p.ended || len(p.changed) == 0 && !note {
		p.running = false
		return nil, nil, false
	}
	changed, p.changed = p.changed, map[string]struct{}{}
	if note {
		gone, p.gone = p.gone, map[string]int64{}
		p.storing = gone
	}
	return changed, gone, true
}

// stored forgets what is in the database by now.
func (p *presence) stored(err error) {
	if err != nil {
		p.srv.log.Warn("noting who was last seen when", "error", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.storing = nil
	p.startLocked()
}

// stop hands the database what it does not know yet. No connection is left by now.
func (p *presence) stop() {
	p.mu.Lock()
	p.ended = true
	p.mu.Unlock()
	p.work.Wait()
	p.mu.Lock()
	gone := p.gone
	p.gone = map[string]int64{}
	p.mu.Unlock()
	if len(gone) > 0 {
		p.srv.store.Seen(gone, func(error) {})
	}
}

// tell looks who may see account, and pushes to its watchers what is news to them.
func (p *presence) tell(account string) {
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	noted := p.noted(account)
	audience, err := p.srv.store.Audience(ctx, account)
	if err != nil {
		p.srv.log.Warn("reading who may see an account", "error", err)
		return
	}
	state := p.state(account)
	p.mu.Lock()
	defer p.mu.Unlock()
	full := view{state, p.lastSeenLocked(account, state, max(noted, audience.LastSeen))}
	for c, w := range p.watchers[account] {
		news := view{state: "offline"}
		if audience.Sees(c.account) {
			news = full
		}
		w.missed = w.pending
		if !w.pending && w.told != news {
			w.told = news
			c.push(item{data: presencePush(account, news), push: true, fleeting: true})
		}
	}
}

// noted is what the database may not know yet. It is asked for before the database is read: what is
// stored in between is seen neither there nor here afterwards.
func (p *presence) noted(account string) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(p.storing[account], p.gone[account])
}

// lastSeenLocked is when an account was last here; 0 while it is.
func (p *presence) lastSeenLocked(account, state string, stored int64) int64 {
	if state != "offline" {
		return 0
	}
	return max(stored, p.storing[account], p.gone[account])
}

// watch replaces what c watches; the first answer is on its way.
func (p *presence) watch(c *conn, accounts []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unwatchLocked(c)
	if len(accounts) == 0 {
		return
	}
	p.watching[c] = accounts
	for _, account := range accounts {
		if p.watchers[account] == nil {
			p.watchers[account] = map[*conn]*watched{}
		}
		p.watchers[account][c] = &watched{pending: true}
	}
}

// watches notes what c was told first, and looks again at what changed meanwhile.
func (p *presence) watches(c *conn, told map[string]view) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for account, v := range told {
		if w := p.watchers[account][c]; w != nil {
			if w.missed {
				p.changed[account] = struct{}{}
			}
			*w = watched{told: v}
		}
	}
	p.startLocked()
}

func (p *presence) unwatchLocked(c *conn) {
	for _, account := range p.watching[c] {
		delete(p.watchers[account], c)
		if len(p.watchers[account]) == 0 {
			delete(p.watchers, account)
		}
	}
	delete(p.watching, c)
}

// view reads what viewer may see of account.
func (p *presence) view(ctx context.Context, viewer, account string) (view, error) {
	noted := p.noted(account)
	visible, stored, err := p.srv.store.Presence(ctx, viewer, account)
	if err != nil || !visible {
		return view{state: "offline"}, err
	}
	state := p.state(account)
	p.mu.Lock()
	defer p.mu.Unlock()
	return view{state, p.lastSeenLocked(account, state, max(noted, stored))}, nil
}

func readPresence(q *request) error {
	accounts, err := q.friends()
	watch := q.m.Get("watch")
	switch {
	case err != nil:
		return err
	case len(accounts) > maxWatched:
		return refusal(wire.StatBadRequest, "friends names at most 200 accounts here")
	case watch != "" && watch != "yes" && watch != "no":
		return refusal(wire.StatBadRequest, "watch is yes or no")
	case len(accounts) == 0 && watch != "no":
		return refusal(wire.StatBadRequest, "friends names whose presence you ask for")
	}
	p := q.c.srv.presence
	if watch == "yes" {
		p.watch(q.c, accounts)
	} else if watch == "no" {
		p.watch(q.c, nil)
	}
	ctx, cancel := q.context()
	defer cancel()
	told := make(map[string]view, len(accounts))
	var items []byte
	for _, account := range accounts {
		if told[account], err = p.view(ctx, q.c.account, account); err != nil {
			p.watch(q.c, nil)
			return err
		}
		items = wire.End(appendPresence(items, account, told[account]))
	}
	q.list(len(accounts), items, false)
	if watch == "yes" {
		p.watches(q.c, maps.Clone(told))
	}
	return nil
}

func appendPresence(b []byte, account string, v view) []byte {
	b = wire.Append(b, "user_account", account)
	b = wire.Append(b, "state", v.state)
	if v.lastSeen != 0 {
		b = wire.AppendInt(b, "last_seen", v.lastSeen)
	}
	return b
}

func presencePush(account string, v view) []byte {
	b := wire.Append(nil, "user_account", account)
	b = wire.Append(b, "message_type", "presence")
	b = wire.Append(b, "state", v.state)
	if v.lastSeen != 0 {
		b = wire.AppendInt(b, "last_seen", v.lastSeen)
	}
	return wire.End(b)
}

// setPresence says whether this connection's person is at the device.
func setPresence(q *request) error {
	state := q.m.Get("state")
	if state != "online" && state != "away" {
		return refusal(wire.StatBadRequest, "state is online or away")
	}
	if q.c.away.Swap(state == "away") != (state == "away") {
		q.c.srv.presence.moved(q.c.account)
	}
	q.ok("state", state)
	return nil
}
