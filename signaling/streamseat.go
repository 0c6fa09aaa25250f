package signaling

import (
	"context"
	"net/http"
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

// watch lets a stream see a call: all of it or, with a participant named in the query, that one.
func (cs *cells) watch(ctx context.Context, st *stream, r *http.Request, ev CallEvents) (CallPeer, error) {
	only := r.URL.Query().Get("participant")
	cs.mu.Lock()
	x, err := cs.findLocked(st.key, st.account)
	if err == nil && only != "" && x.people[only] == nil {
		err = refusal(wire.StatNotFound, "no such participant in that call")
	}
	cs.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return cs.srv.cfg.Calls.Watch(ctx, st.key, st.peer, only, r.Host, ev)
}
