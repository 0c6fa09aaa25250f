package signaling

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"neochat/store"
	"neochat/wire"
)

// join puts this device into the call's room.
func join(q *request) error {
	cs := q.c.srv.cells
	if err := cs.stillMember(q); err != nil {
		return err
	}
	name, rank, err := cs.whoJoins(q)
	if err != nil {
		return err
	}
	x, p, err := cs.seat(q.key(), q.c, name)
	if err != nil {
		return err
	}
	access, err := q.c.relayAccess()
	if err != nil {
		cs.unseat(x, p)
		return err
	}
	ev := &callEvents{cells: cs, cell: x, p: p, answered: make(chan struct{})}
	ctx, cancel := q.context()
	defer cancel()
	media, err := q.c.srv.cfg.Calls.Join(ctx, x.key, p.id, q.c.host, ev)
	if err != nil {
		close(ev.answered)
		cs.unseat(x, p)
		return err
	}
	defer close(ev.answered)
	return cs.seated(q, x, p, media, access, rank)
}

// whoJoins returns the name of who joins, and what that person may do in the call.
func (cs *cells) whoJoins(q *request) (name string, rank int, err error) {
	x, err := q.cell()
	if err != nil {
		return "", rankNone, err
	}
	if q.c.guest {
		cs.mu.Lock()
		defer cs.mu.Unlock()
		if g := x.guests[q.c.account]; g != nil {
			return g.name, rankNone, nil
		}
		return "", rankNone, errNoCell()
	}
	ctx, cancel := q.context()
	defer cancel()
	if rank, err = cs.rank(ctx, x, q.c.account); err != nil {
		return "", rankNone, err
	}
	cards, err := cs.srv.store.Cards(ctx, []string{q.c.account})
	return nameIn(cards), rank, err
}

// stillMember asks the store whether a group's call still concerns this account.
func (cs *cells) stillMember(q *request) error {
	ctx, cancel := q.context()
	defer cancel()
	return cs.concerns(ctx, q.key(), q.c.account)
}

// concerns tells whether there is such a call for an account; of a group's it asks the store.
func (cs *cells) concerns(ctx context.Context, key, account string) error {
	cs.mu.Lock()
	x, err := cs.findLocked(key, account)
	outside := err == nil && (x.group == "" || x.guests[account] != nil || x.invited[account] != "")
	cs.mu.Unlock()
	if err != nil || outside {
		return err
	}
	if _, _, err = cs.srv.reach(ctx, account, store.Target{Group: x.group}); err != nil {
		return errNoCell()
	}
	return nil
}

// seat makes a participant, in place of the one the same device had.
func (cs *cells) seat(key string, c *conn, name string) (*cell, *participant, error) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	x, err := cs.findLocked(key, c.account)
	if err != nil {
		return nil, nil, err
	}
	for _, old := range x.people {
		if old.account == c.account && old.device == c.device {
			cs.removeLocked(x, old)
			cs.tellPeopleLocked(x, "leave", old)
		}
	}
	x.nextPerson++
	cs.changedLocked()
	p := &participant{id: strconv.Itoa(x.nextPerson), account: c.account, device: c.device, name: name, guest: c.guest, conn: c}
	x.people[p.id] = p
	c.calls.Add(1)
	return x, p, nil
}

// unseat takes back what seat did.
func (cs *cells) unseat(x *cell, p *participant) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if x.people[p.id] == p {
		cs.removeLocked(x, p)
	}
}

// seated answers the join and tells the others. Who joins a call that rings him has answered it.
func (cs *cells) seated(q *request, x *cell, p *participant, media CallPeer, access RelayAccess, rank int) error {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if x.people[p.id] != p { // closed, or replaced, meanwhile
		go media.Leave()
		return errNoCell()
	}
	p.media = media
	if r := x.ringing[p.account]; r != nil {
		cs.answerLocked(x, r, q.c, wire.StatOK)
	}
	if x.kind == "" {
		x.kind = "call"
	}
	if len(x.people) > 1 && x.answered.IsZero() {
		x.answered = time.Now()
	}
	x.left = time.Time{}
	cs.changedLocked()
	b := wire.Append(q.head(wire.StatOK), "connection_key", x.key)
	b = wire.Append(b, "participant", p.id)
	b = wire.Append(b, "call", x.kind)
	b = access.append(wire.AppendInt(b, "count", int64(len(x.people)-1)))
	if rank > rankNone {
		b = wire.Append(b, "moderator", "yes")
	}
	b = wire.End(b)
	for _, other := range x.people {
		if other != p {
			b = wire.Append(b, "participant", other.id)
			b = wire.End(other.appendName(wire.Append(b, "user_account", other.account)))
		}
	}
	q.c.answer(item{data: b})
	cs.tellPeopleLocked(x, "join", p)
	return nil
}

// tellPeopleLocked tells the participants, but for p itself, that p came or went.
func (cs *cells) tellPeopleLocked(x *cell, what string, p *participant) {
	data := wire.End(personLines(what, x.key, p))
	for _, other := range x.people {
		if other != p && other.conn != nil {
			other.conn.push(item{data: data, push: true})
		}
	}
	cs.newsLocked(x)
}

func personLines(what, key string, p *participant) []byte {
	b := wire.Append(nil, "user_account", p.account)
	b = wire.Append(b, "message_type", what)
	b = wire.Append(b, "connection_key", key)
	return p.appendName(wire.Append(b, "participant", p.id))
}

// appendName adds how a person is called, and by that whether it is a guest.
func (p *participant) appendName(b []byte) []byte {
	switch {
	case p.guest:
		return wire.Append(b, "guest_name", p.name)
	case p.name != "":
		return wire.Append(b, "user_name", p.name)
	}
	return b
}

// mine returns this connection's participant in the call that the message is about.
func (q *request) mine() (*cell, *participant, error) {
	cs := q.c.srv.cells
	cs.mu.Lock()
	defer cs.mu.Unlock()
	x, err := cs.findLocked(q.key(), q.c.account)
	if err != nil {
		return nil, nil, err
	}
	if p := x.seatOf(q.c); p != nil {
		return x, p, nil
	}
	return nil, nil, errNotJoined()
}

func errNotJoined() error {
	return refusal(wire.StatNotFound, "this connection has not joined that call")
}

// seatOf returns the participant that a connection is, or nil.
func (x *cell) seatOf(c *conn) *participant {
	for _, p := range x.people {
		if p.conn == c && p.media != nil {
			return p
		}
	}
	return nil
}

// restart gives a participant whose WebSocket was lost to this connection.
func restart(q *request) error {
	cs := q.c.srv.cells
	cs.mu.Lock()
	x, err := cs.findLocked(q.key(), q.c.account)
	if err != nil {
		cs.mu.Unlock()
		return err
	}
	var p *participant
	for _, someone := range x.people {
		if someone.account == q.c.account && someone.device == q.c.device && someone.media != nil {
			p = someone
		}
	}
	if p == nil {
		cs.mu.Unlock()
		return refusal(wire.StatNotFound, "this device is no longer in that call; join again")
	}
	cs.reattachLocked(x, p, q)
	ev := &callEvents{cells: cs, cell: x, p: p, answered: make(chan struct{})}
	close(ev.answered)
	cs.mu.Unlock()
	if err := p.media.Attach(ev); err != nil {
		q.c.srv.log.Warn("attaching to a call's media", "error", err)
	}
	return nil
}

func (cs *cells) reattachLocked(x *cell, p *participant, q *request) {
	if p.conn != nil {
		p.conn.calls.Add(-1)
	}
	if p.lost != nil {
		p.lost.Stop()
		p.lost = nil
	}
	p.conn = q.c
	q.c.calls.Add(1)
	q.ok("connection_key", x.key, "participant", p.id, "call", x.kind, "silenced", strings.Join(slices.Sorted(maps.Keys(p.silenced)), ","))
	for _, other := range x.people {
		if other != p {
			q.c.push(item{data: wire.End(personLines("join", x.key, other)), push: true})
		}
	}
}

// leave takes this device out of the call, or whom a moderator names; between two, that ends it, also where
// the media was faster and the participant has already gone.
func leave(q *request) error {
	if id, other := q.another(); other {
		return takeOut(q, id)
	}
	cs := q.c.srv.cells
	cs.mu.Lock()
	defer cs.mu.Unlock()
	x, err := cs.findLocked(q.key(), q.c.account)
	if err != nil {
		return err
	}
	p := x.seatOf(q.c)
	if p == nil && (!x.pair() || x.answered.IsZero()) {
		return errNotJoined()
	}
	q.ok("connection_key", x.key)
	if p != nil {
		cs.removeLocked(x, p)
		cs.tellPeopleLocked(x, "leave", p)
	}
	if !q.c.guest { // guests keep no call open, and end none
		cs.leftLocked(x, q.c)
	}
	return nil
}

// leftLocked closes a call that ended with that leave.
func (cs *cells) leftLocked(x *cell, c *conn) {
	if x.person(c.account) != nil {
		return // with another device
	}
	if x.opener == c.account && x.answered.IsZero() {
		cs.closeLocked(x, "cancelled", c) // the caller gave up before anybody answered
		return
	}
	if x.pair() {
		cs.closeLocked(x, "closed", c)
		return
	}
	cs.settleLocked(x, "closed", c)
}

// vanished takes out a participant that nobody has heard of for too long; it may come back for a while.
func (cs *cells) vanished(x *cell, p *participant) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if x.closed || x.people[p.id] != p {
		return
	}
	cs.removeLocked(x, p)
	cs.tellPeopleLocked(x, "leave", p)
	cs.closeAfterLocked(x, cs.srv.cfg.Times.Linger)
}

// connectionLost lets the participants of a lost connection wait for another one.
func (cs *cells) connectionLost(c *conn) {
	if c.calls.Load() == 0 {
		return
	}
	linger := cs.srv.cfg.Times.Linger
	if c.revoked.Load() { // nobody is to come back
		linger = 0
	}
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for _, x := range cs.byKey {
		for _, p := range x.people {
			if p.conn != c {
				continue
			}
			p.conn = nil
			c.calls.Add(-1)
			p.lost = time.AfterFunc(linger, func() { cs.lostTooLong(x, p) })
		}
	}
}

func (cs *cells) lostTooLong(x *cell, p *participant) {
	cs.mu.Lock()
	back := p.conn != nil
	cs.mu.Unlock()
	if !back {
		cs.vanished(x, p)
	}
}

// callEvents carries what the media says to a participant's client.
type callEvents struct {
	cells    *cells
	cell     *cell
	p        *participant
	answered chan struct{} // closed once the join was answered: that goes first
}

func (e *callEvents) tell(b []byte) {
	e.cells.mu.Lock()
	defer e.cells.mu.Unlock()
	if e.p.conn != nil {
		e.p.conn.push(item{data: wire.End(b), push: true})
	}
}

// begin starts a message of the call; account "" leaves the line out.
func (e *callEvents) begin(kind, account string) []byte {
	<-e.answered
	var b []byte
	if account != "" {
		b = wire.Append(b, "user_account", account)
	}
	b = wire.Append(b, "message_type", kind)
	return b
}

// Sections tells how many sections the client must have.
func (e *callEvents) Sections(audio, video int) {
	b := wire.Append(e.begin("sections", ""), "connection_key", e.cell.key)
	b = wire.AppendInt(b, "audio", int64(audio))
	e.tell(wire.AppendInt(b, "video", int64(video)))
}

// Track tells of another participant's track.
func (e *callEvents) Track(peer, source, mid string, muted bool) {
	b := wire.Append(e.begin("track", e.accountOf(peer)), "connection_key", e.cell.key)
	b = wire.Append(b, "participant", peer)
	b = wire.Append(b, "source", source)
	b = wire.Append(b, "muted", yesNo(muted))
	if mid != "" {
		b = wire.Append(b, "mid", mid)
	}
	e.tell(b)
}

// TrackEnded tells that a track is no more.
func (e *callEvents) TrackEnded(peer, source, mid string) {
	b := wire.Append(e.begin("track", e.accountOf(peer)), "type", "DELETE")
	b = wire.Append(b, "connection_key", e.cell.key)
	b = wire.Append(b, "participant", peer)
	b = wire.Append(b, "source", source)
	if mid != "" {
		b = wire.Append(b, "mid", mid)
	}
	e.tell(b)
}

// Gone is the media's last word of a participant.
func (e *callEvents) Gone(cause string) {
	<-e.answered
	e.cells.srv.log.Info("participant's media ended", "cause", cause)
	e.cells.vanished(e.cell, e.p)
}

func (e *callEvents) accountOf(peer string) string {
	e.cells.mu.Lock()
	defer e.cells.mu.Unlock()
	if p := e.cell.people[peer]; p != nil {
		return p.account
	}
	return ""
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// describe takes the client's offer and answers it.
func describe(q *request) error {
	sdp, err := q.text("sdp", q.c.srv.cfg.Limits.Header)
	if err == nil && q.m.Get("sdp_type") != "offer" {
		err = refusal(wire.StatBadRequest, "sdp_type must be offer: only the client offers")
	}
	if err != nil {
		return err
	}
	x, p, err := q.mine()
	if err != nil {
		return err
	}
	answer, err := p.media.Offer(sdp)
	if err != nil {
		return err
	}
	q.ok("connection_key", x.key, "sdp_type", "answer", "sdp", answer)
	return nil
}

func candidate(q *request) error {
	_, p, err := q.mine()
	if err != nil {
		return err
	}
	line, err := q.number("mline", 0)
	if err == nil && line > 1000 {
		err = refusal(wire.StatBadRequest, "mline is too large")
	}
	if err == nil {
		err = p.media.Candidate(q.m.Get("candidate"), q.m.Get("mid"), uint16(line))
	}
	return q.done(err)
}

func publish(q *request) error {
	_, p, err := q.mine()
	if err != nil {
		return err
	}
	mid, err := q.text("mid", wire.MaxName)
	if err == nil {
		err = p.media.Publish(mid, q.m.Get("source"), q.m.Get("muted") == "yes")
	}
	if err == nil {
		q.c.srv.cells.spoken(p, q.m.Get("source"))
	}
	return q.done(err)
}

func mute(q *request) error {
	if id, other := q.another(); other {
		return muteOther(q, id)
	}
	_, p, err := q.mine()
	if err != nil {
		return err
	}
	muted, ok := q.m.Lookup("muted")
	if !ok || muted != "yes" && muted != "no" {
		return refusal(wire.StatBadRequest, "muted is yes or no")
	}
	if err := p.media.Mute(q.m.Get("source"), muted == "yes"); err != nil {
		return err
	}
	if muted == "no" {
		q.c.srv.cells.spoken(p, q.m.Get("source"))
	}
	return q.done(nil)
}

func unpublish(q *request) error {
	_, p, err := q.mine()
	if err != nil {
		return err
	}
	return q.done(p.media.Unpublish(q.m.Get("source")))
}

// done answers a request about the call's media that went well.
func (q *request) done(err error) error {
	if err == nil {
		q.ok("connection_key", q.key())
	}
	return err
}
