package signaling

import (
	"context"
	"errors"

	"neochat/store"
	"neochat/wire"
)

// Ranks in a call: who has one moderates it, and takes out those with a lower one.
const (
	rankNone = iota
	rankModerator
	rankCreator
)

// rank returns what an account may do in a call: its opener, and in a group's call the group's admins and creator, moderate it.
func (cs *cells) rank(ctx context.Context, x *cell, account string) (int, error) {
	cs.mu.Lock()
	opener, group, guest := x.opener, x.group, x.guests[account] != nil
	cs.mu.Unlock()
	if group != "" && !guest {
		g, err := cs.srv.store.Group(ctx, account, group)
		switch {
		case err != nil && !errors.Is(err, store.ErrNotFound):
			return rankNone, err
		case g.Permissions == store.Creator:
			return rankCreator, nil
		case g.Permissions == store.Admin:
			return rankModerator, nil
		}
	}
	if account == opener {
		return rankModerator, nil
	}
	return rankNone, nil
}

// moderates refuses those who do not moderate the call.
func (q *request) moderates(ctx context.Context, x *cell) error {
	rank, err := q.c.srv.cells.rank(ctx, x, q.c.account)
	if err == nil && rank == rankNone {
		return refusal(wire.StatForbidden, "only who opened this call, and its group's admins, may do this")
	}
	return err
}

// cell returns the call that the message is about.
func (q *request) cell() (*cell, error) {
	cs := q.c.srv.cells
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return cs.findLocked(q.key(), q.c.account)
}

// another returns the participant that the message names beside the sender's own; false: it names none.
func (q *request) another() (id string, named bool) {
	id, named = q.m.Lookup("participant")
	if !named {
		return "", false
	}
	_, own, err := q.mine()
	return id, err != nil || own.id != id
}

func errNoParticipant() error {
	return refusal(wire.StatNotFound, "no such participant is in this call")
}

// muteOther stops the passing on of somebody's sound or picture, until that person unmutes it: with that device, or
// with another one, as a stream of theirs has to be.
func muteOther(q *request, id string) error {
	x, err := q.cell()
	if err != nil {
		return err
	}
	cs := q.c.srv.cells
	cs.mu.Lock()
	p, media := x.people[id], CallPeer(nil)
	if p != nil {
		media = p.media
	}
	cs.mu.Unlock()
	own := p != nil && p.account == q.c.account
	if !own {
		err = q.mayMute(x)
	}
	if err != nil {
		return err
	}
	if media == nil {
		return errNoParticipant()
	}
	source, muted := q.m.Get("source"), q.m.Get("muted") != "no"
	if err := media.Mute(source, muted); err != nil {
		return err
	}
	if muted {
		cs.silenced(x, p, source, q.c.account)
	} else {
		cs.spoken(p, source)
	}
	return q.done(nil)
}

// mayMute refuses those who do not moderate the call, and all who would unmute somebody else.
func (q *request) mayMute(x *cell) error {
	ctx, cancel := q.context()
	defer cancel()
	err := q.moderates(ctx, x)
	if err == nil && q.m.Get("muted") != "yes" {
		err = refusal(wire.StatBadRequest, "muted is yes: somebody else's track is unmuted by them alone")
	}
	return err
}

// silenced tells a participant that a moderator muted a source.
func (cs *cells) silenced(x *cell, p *participant, source, by string) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if p.silenced == nil {
		p.silenced = map[string]bool{}
	}
	p.silenced[source] = true
	if p.conn == nil {
		return
	}
	b := wire.Append(nil, "user_account", by)
	b = wire.Append(b, "message_type", "track")
	b = wire.Append(b, "type", "PATCH")
	b = wire.Append(b, "connection_key", x.key)
	b = wire.Append(b, "participant", p.id)
	b = wire.Append(b, "source", source)
	p.conn.push(item{data: wire.End(wire.Append(b, "muted", "yes")), push: true})
}

// spoken notes that the owner of a source has decided on it anew.
func (cs *cells) spoken(p *participant, source string) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	delete(p.silenced, source)
}

// takeOut removes a participant, with all devices of that person, until a moderator invites them again.
func takeOut(q *request, id string) error {
	x, err := q.cell()
	if err != nil {
		return err
	}
	ctx, cancel := q.context()
	defer cancel()
	if err := q.moderates(ctx, x); err != nil {
		return err
	}
	cs := q.c.srv.cells
	cs.mu.Lock()
	p := x.people[id]
	cs.mu.Unlock()
	switch {
	case p == nil:
		return errNoParticipant()
	case p.account == q.c.account:
		return refusal(wire.StatBadRequest, "this is another device of yours; leave with it")
	}
	mine, err := cs.rank(ctx, x, q.c.account)
	if err != nil {
		return err
	}
	theirs, err := cs.rank(ctx, x, p.account)
	if err == nil && theirs >= mine {
		err = refusal(wire.StatForbidden, "who moderates this call too is removed by the group's creator alone")
	}
	if err != nil {
		return err
	}
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if x.closed {
		return errNoCell()
	}
	q.ok("connection_key", x.key)
	cs.banLocked(x, p.account)
	return nil
}

// banLocked takes somebody out and lets them not come back. Of a guest nothing is known but the link that let them
// in: it ends too.
func (cs *cells) banLocked(x *cell, account string) {
	if g := x.guests[account]; g != nil {
		cs.revokeLocked(x, g.link)
		cs.endGuestLocked(x, g, "removed")
		return
	}
	if x.pair() {
		cs.closeLocked(x, "closed", nil)
		return
	}
	cs.takeOutLocked(x, account)
	x.removed[account] = true
	cs.srv.hub.push(account, item{data: x.over("removed")}, nil)
	cs.changedLocked()
	if x.opener == account {
		if !cs.reopenLocked(x) {
			cs.closeLocked(x, "closed", nil)
			return
		}
		x.callees[account] = true // as who may be invited again
	}
	cs.settleLocked(x, "closed", nil)
}
