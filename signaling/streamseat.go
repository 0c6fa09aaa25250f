package signaling

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"neochat/wire"
)

// newcomer is a participant to be, who publishes over HTTP: its number is drawn, and nobody sees it yet.
func (cs *cells) newcomer(key, account, stream string) (*cell, *participant, error) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	x, err := cs.findLocked(key, account)
	if err != nil {
		return nil, nil, err
	}
	if x.ringing[account] != nil {
		return nil, nil, refusal(wire.StatConflict, "this call rings you: accept it first")
	}
	x.nextPerson++
	return x, &participant{id: strconv.Itoa(x.nextPerson), account: account, device: "whip:" + stream}, nil // no device of an account can be called that
}

// present shows a newcomer to the others, if the call still is and still concerns its account.
func (cs *cells) present(x *cell, p *participant, media CallPeer) error {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if _, err := cs.findLocked(x.key, p.account); err != nil || x.closed {
		return errNoCell()
	}
	for _, other := range x.people {
		if other.account != p.account && x.answered.IsZero() {
			x.answered = time.Now()
		}
	}
	p.media = media
	x.people[p.id] = p
	if x.kind == "" {
		x.kind = "call"
	}
	x.left = time.Time{}
	cs.changedLocked()
	cs.tellPeopleLocked(x, "join", p)
	return nil
}

// watch lets a stream see a call: all of it or, with a participant or an account named in the query, that one.
func (cs *cells) watch(ctx context.Context, st *stream, r *http.Request, ev CallEvents) (CallPeer, error) {
	only := ""
	cs.mu.Lock()
	x, err := cs.findLocked(st.key, st.account)
	if err == nil {
		only, err = x.wanted(r.URL.Query())
	}
	cs.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return cs.srv.cfg.Calls.Watch(ctx, st.key, st.peer, only, r.Host, ev)
}

// wanted is the participant that a query names: by its id, or as the one of that account who came last; "" where it names none.
func (x *cell) wanted(q url.Values) (id string, err error) {
	if !q.Has("participant") && !q.Has("user_account") {
		return "", nil
	}
	last := 0
	for _, p := range x.people {
		n, _ := strconv.Atoi(p.id) // ids are numbers
		if (p.id == q.Get("participant") || p.account == q.Get("user_account")) && n > last {
			last, id = n, p.id
		}
	}
	if id == "" {
		err = refusal(wire.StatNotFound, "no such participant in that call")
	}
	return id, err
}
