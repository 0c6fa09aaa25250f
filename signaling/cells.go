package signaling

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"sync"
	"time"

	"neochat/store"
	"neochat/wire"
)

// maxCells is how many cells one account may have open.
const maxCells = 3

// cells are the open calls of this server. Telling clients under mu is fine: it
// only appends to their outboxes; the media and the database are never waited for under it.
type cells struct {
	srv *Server

	mu    sync.Mutex
	byKey map[string]*cell // guarded by mu, as is every cell in it
	doors map[digest]*cell // by the hash of what opens them to a guest: a link's secret, a session; guarded by mu
	ended bool             // the server shuts down; guarded by mu
	keep  keeper
}

// cell is one call, from its opening to its close.
type cell struct {
	key          string
	opener       string
	group        string            // "" among friends
	conversation int64             // 0: not known yet
	callees      map[string]bool   // whom it was opened for, a group's members at that time, and who was invited since
	invited      map[string]string // those callees who were rung into it by somebody in it, and by whom
	removed      map[string]bool   // whom a moderator took out: nobody's members
	guests       map[string]*guest // by what they have in an account's place
	links        []*guestLink
	nextLink     int
	kind         string // call or videocall, once it rang
	ringing      map[string]*bell
	outcome      map[string]string // of callees that no longer ring
	people       map[string]*participant
	nextPerson   int
	answered     time.Time // zero: nobody answered yet
	left         time.Time // when a restart took everybody out; zero: it did not, or somebody came back
	closing      *time.Timer
	news         *time.Timer // runs while a change of who is in it is to be told
	told         time.Time   // when that was last done
	closed       bool
}

// bell is a callee whose devices ring.
type bell struct {
	caller string
	timer  *time.Timer
}

// participant is one device in a call.
type participant struct {
	id, account, device string
	name                string // that the person gave themselves; "": none
	guest               bool
	conn                *conn // nil while its WebSocket is lost
	media               CallPeer
	lost                *time.Timer     // runs while conn is nil
	silenced            map[string]bool // sources that a moderator muted and their owner has not unmuted
}

func newCells(s *Server) *cells {
	cs := &cells{srv: s, byKey: map[string]*cell{}, doors: map[digest]*cell{}, keep: keeper{path: s.cfg.CallsFile}}
	cs.keep.timer = time.AfterFunc(time.Hour, cs.write)
	cs.keep.timer.Stop() // until something changes
	return cs
}

// newCell makes one that nobody is in.
func newCell(opener, group string, conversation int64) *cell {
	return &cell{opener: opener, group: group, conversation: conversation, callees: map[string]bool{}, invited: map[string]string{},
		removed: map[string]bool{}, guests: map[string]*guest{}, ringing: map[string]*bell{}, outcome: map[string]string{}, people: map[string]*participant{}}
}

// pair reports whether the call is between two.
func (x *cell) pair() bool { return x.group == "" && len(x.callees) == 1 && len(x.guests) == 0 }

// member reports whether account belongs to the call.
func (x *cell) member(account string) bool {
	return !x.removed[account] && (x.opener == account || x.callees[account] || x.guests[account] != nil)
}

// everyone lists the accounts that may know of the call.
func (x *cell) everyone() []string {
	all := []string{x.opener}
	for a := range x.callees {
		if a != x.opener && !x.removed[a] {
			all = append(all, a)
		}
	}
	return all
}

// attended reports whether anybody but guests is in the call: they do not keep it open.
func (x *cell) attended() bool {
	for _, p := range x.people {
		if !p.guest {
			return true
		}
	}
	return false
}

// find returns the open cell of that key if account belongs to it; to a stranger it does not exist.
func (cs *cells) findLocked(key, account string) (*cell, error) {
	if cs.ended {
		return nil, errRestarts()
	}
	x := cs.byKey[key]
	switch {
	case x != nil && x.removed[account]:
		return nil, refusal(wire.StatForbidden, "a moderator removed you from this call; one may invite you again")
	case x == nil || !x.member(account):
		return nil, errNoCell()
	}
	return x, nil
}

func errNoCell() error {
	return refusal(wire.StatNotFound, "no such call, or it is over")
}

// open makes a cell.
func (cs *cells) open(opener string, callees []string, group string, conversation int64) (*cell, error) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.ended {
		return nil, errRestarts()
	}
	n := 0
	for _, x := range cs.byKey {
		if x.opener == opener {
			n++
		}
	}
	if n >= maxCells {
		return nil, refusal(wire.StatTooOften, "you have three calls open; close one")
	}
	to := group
	if to == "" {
		to = callees[0]
	}
	x := newCell(opener, group, conversation)
	for _, a := range callees {
		x.callees[a] = true
	}
	prefix := wire.Enc(opener) + "_" + wire.Enc(to) + "_"
	for at := time.Now().UnixMilli(); ; at++ {
		x.key = prefix + strconv.FormatInt(at, 10)
		if cs.byKey[x.key] == nil {
			break
		}
	}
	cs.byKey[x.key] = x
	cs.changedLocked()
	cs.closeAfterLocked(x, cs.srv.cfg.Times.Unrung)
	return x, nil
}

// closeAfterLocked closes the cell after d unless somebody rings or has joined by then.
func (cs *cells) closeAfterLocked(x *cell, d time.Duration) {
	if x.closing != nil {
		x.closing.Stop()
	}
	x.closing = time.AfterFunc(d, func() {
		cs.mu.Lock()
		defer cs.mu.Unlock()
		if !x.closed && len(x.ringing) == 0 && (!x.attended() || x.pair() && len(x.people) < 2) {
			cs.closeLocked(x, "closed", nil)
		}
	})
}

// settleLocked closes the cell if nobody rings and nobody but guests is in it, and tells not the connection that ended it.
func (cs *cells) settleLocked(x *cell, cause string, but *conn) {
	if !x.closed && len(x.ringing) == 0 && !x.attended() {
		cs.closeLocked(x, cause, but)
	}
}

// closeLocked ends the call for everybody, but tells not the connection that asked for it.
func (cs *cells) closeLocked(x *cell, cause string, but *conn) {
	if x.closed {
		return
	}
	x.closed = true
	delete(cs.byKey, x.key)
	cs.changedLocked()
	x.stopTimers()
	rang := map[string]bool{}
	for account := range x.ringing {
		rang[account] = true
		cs.stopRingingLocked(x, account, endedOutcome(cause))
		cs.tellStopLocked(x, account, cause)
	}
	for _, p := range x.people {
		cs.removeLocked(x, p)
	}
	cs.srv.streams.watchersLeave(x.key, "")
	if x.kind != "" {
		over := x.over("")
		for _, account := range x.everyone() {
			if !rang[account] && x.outcome[account] != "refused" {
				cs.srv.hub.push(account, item{data: over}, but)
			}
		}
	}
	for _, l := range x.links {
		delete(cs.doors, l.secret)
	}
	for _, g := range x.guests {
		cs.endGuestLocked(x, g, "")
	}
	cs.record(x)
}

func (x *cell) stopTimers() {
	for _, t := range []*time.Timer{x.closing, x.news} {
		if t != nil {
			t.Stop()
		}
	}
}

// over is how an account is told that a call is no more, or no more for it: then for a cause.
func (x *cell) over(cause string) []byte {
	b := wire.Append(nil, "message_type", "cell")
	b = wire.Append(b, "type", "DELETE")
	b = wire.Append(b, "cell_key", x.key)
	if cause != "" {
		b = wire.Append(b, "cause", cause)
	}
	return wire.End(b)
}

// endedOutcome is what became of a callee that rang when the call ended for that cause.
func endedOutcome(cause string) string {
	if cause == "timeout" {
		return "missed"
	}
	return "cancelled"
}

// stopRingingLocked notes what became of a callee.
func (cs *cells) stopRingingLocked(x *cell, account, outcome string) {
	if r := x.ringing[account]; r != nil {
		r.timer.Stop()
		delete(x.ringing, account)
	}
	x.outcome[account] = outcome
	if outcome == "answered" && x.answered.IsZero() {
		x.answered = time.Now()
	}
	cs.changedLocked()
}

// tellStopLocked tells a callee's devices that it rings no more.
func (cs *cells) tellStopLocked(x *cell, account, cause string) {
	b := wire.Append(nil, "user_account", x.opener)
	b = wire.Append(b, "message_type", x.kind)
	b = wire.Append(b, "type", "DELETE")
	b = wire.Append(b, "cell_key", x.key)
	cs.srv.hub.push(account, item{data: wire.End(wire.Append(b, "cause", cause))}, nil)
}

// removeLocked takes a participant out; its media is left by a goroutine, for it may take time.
func (cs *cells) removeLocked(x *cell, p *participant) {
	delete(x.people, p.id)
	if p.lost != nil {
		p.lost.Stop()
	}
	if p.conn != nil {
		p.conn.calls.Add(-1)
		p.conn = nil
	}
	if p.media != nil {
		go p.media.Leave()
	}
}

// record writes the call's outcome into its conversation: once for a group, else once for each callee. Who was
// invited has it in the conversation with who invited him.
func (cs *cells) record(x *cell) {
	if x.kind == "" {
		return
	}
	post := func(author string, to store.Target, outcome string) {
		cs.srv.counts.outcome(outcome)
		r := record{Call: x.kind, Outcome: outcome, Key: x.key}
		if outcome == "answered" && !x.answered.IsZero() {
			r.Duration = x.end().Sub(x.answered).Milliseconds()
		}
		carry, err := json.Marshal(r)
		if err != nil {
			cs.srv.log.Error("recording a call", "error", err)
			return
		}
		draft := store.Draft{Author: author, To: []store.Target{to}, Kind: kindCallRecord, Carry: carry, Record: true}
		cs.srv.store.Post(draft, func(posted []store.Posted, err error) {
			if errors.Is(err, store.ErrNotFound) {
				return // the group was dissolved
			}
			if err != nil {
				cs.srv.log.Warn("recording a call", "error", err)
				return
			}
			cs.srv.deliver(posted, nil)
		})
	}
	if x.group != "" {
		post(x.opener, store.Target{Group: x.group}, groupOutcome(x.outcome))
	}
	for account := range x.callees {
		caller := x.invited[account]
		if caller == "" && x.group == "" {
			caller = x.opener
		}
		if outcome := x.outcome[account]; outcome != "" && caller != "" && caller != account {
			post(caller, store.Target{Account: account}, outcome)
		}
	}
}

// groupOutcome is answered if anybody answered, else what most deserves to be known.
func groupOutcome(of map[string]string) string {
	for _, want := range []string{"answered", "missed", "cancelled"} {
		for _, got := range of {
			if got == want {
				return want
			}
		}
	}
	return "refused"
}

// end is when a call that is over ended.
func (x *cell) end() time.Time {
	if !x.left.IsZero() {
		return x.left
	}
	return time.Now()
}

// reach checks whom a call to a target concerns.
func (s *Server) reach(ctx context.Context, account string, t store.Target) (conversation int64, members []string, err error) {
	conversation, _, members, err = s.store.Reach(ctx, account, t)
	return conversation, members, err
}
