package signaling

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"slices"
	"strconv"
	"sync"

	"neochat/store"
	"neochat/wire"
)

const (
	maxPublishing = 8   // streams that one account publishes over HTTP at one time
	maxWatching   = 250 // streams that watch one call
)

// streamKind is what a program does in a call over HTTP.
type streamKind uint8

const (
	whip streamKind = iota // publish (RFC 9725)
	whep                   // watch (draft-ietf-wish-whep-03)
	streamKinds
)

func (k streamKind) name() string { return [...]string{"whip", "whep"}[k] }

// path is what the URLs of its endpoints begin with.
func (k streamKind) path() string { return "/" + k.name() + "/" }

// streams are the programs that publish in calls or watch them over HTTP. Its lock may be taken with that of cells held, not the other way round.
type streams struct {
	srv *Server

	mu      sync.Mutex
	byID    map[string]*stream // guarded by mu
	watched int                // watchers there have been: numbers them; guarded by mu
	ended   bool               // the server shuts down; guarded by mu
}

// stream is one of them: what RFC 9725 calls a session.
type stream struct {
	kind             streamKind
	id               string // nobody can guess it: it is part of the URL
	key              string // of the call
	account, session string
	bearer           [sha256.Size]byte // of the token that began it: whoever has that may change and end it
	peer             string            // in the media
	cell             *cell             // whip
	p                *participant      // whip

	media CallPeer // nil while it begins; guarded by streams.mu

	mu    sync.Mutex // held while the client's ICE is changed
	offer string     // accepted last; guarded by mu
	epoch int        // how often ICE has begun; guarded by mu
}

func newStreams(s *Server) *streams { return &streams{srv: s, byID: map[string]*stream{}} }

// begin counts a stream in, unless there are too many, and gives it its id.
func (ss *streams) begin(st *stream) error {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if ss.ended {
		return errRestarts()
	}
	n := 0
	for _, other := range ss.byID {
		if other.kind == st.kind && (st.kind == whep && other.key == st.key || st.kind == whip && other.account == st.account) {
			n++
		}
	}
	switch {
	case st.kind == whip && n >= maxPublishing:
		return refusal(wire.StatTooOften, "your account publishes "+strconv.Itoa(maxPublishing)+" streams already; end one")
	case st.kind == whep && n >= maxWatching:
		return refusal(wire.StatUnavailable, "this call has as many watchers as it takes; try again")
	}
	if st.kind == whep {
		ss.watched++
		st.peer = "w" + strconv.Itoa(ss.watched)
	}
	st.id = rand.Text()
	ss.byID[st.id] = st
	return nil
}

// begun makes a stream known under its URL; false: it was ended meanwhile.
func (ss *streams) begun(st *stream, media CallPeer) bool {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if ss.byID[st.id] != st {
		return false
	}
	st.media = media
	return true
}

// find returns the stream of a URL, if who asks shows the token that began it.
func (ss *streams) find(kind streamKind, key, id string, bearer [sha256.Size]byte) (*stream, error) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	st := ss.byID[id]
	if st == nil || st.media == nil || st.kind != kind || st.key != key || st.bearer != bearer {
		return nil, errNoStream()
	}
	return st, nil
}

func errNoStream() error {
	return refusal(wire.StatNotFound, "no such session, or it is over, or another token began it")
}

// drop forgets a stream; false: it was forgotten already.
func (ss *streams) drop(st *stream) bool {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if ss.byID[st.id] != st {
		return false
	}
	delete(ss.byID, st.id)
	return true
}

// end ends a stream, as far as anybody sees at once; its media end behind the caller's back.
func (ss *streams) end(st *stream) {
	switch dropped := ss.drop(st); {
	case !dropped, st.media == nil: // who begins it sees that it is dropped
	case st.kind == whip:
		ss.srv.cells.vanished(st.cell, st.p)
	default:
		go st.media.Leave()
	}
}

// some returns the streams that are wanted.
func (ss *streams) some(want func(*stream) bool) []*stream {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	var list []*stream
	for _, st := range ss.byID {
		if want(st) {
			list = append(list, st)
		}
	}
	return list
}

// watchersLeave ends those that watch a call, of one account or, with "", of all. It is called with cells locked.
func (ss *streams) watchersLeave(key, account string) {
	for _, st := range ss.some(func(st *stream) bool {
		return st.kind == whep && st.key == key && (account == "" || st.account == account)
	}) {
		ss.end(st)
	}
}

// endSessions ends the streams of sessions that are no more; without any named, of those of the account's that are no longer good.
func (ss *streams) endSessions(account string, ids []string) {
	for _, st := range ss.some(func(st *stream) bool { return st.account == account }) {
		if len(ids) > 0 && slices.Contains(ids, st.session) || len(ids) == 0 && !ss.stillWelcome(st) {
			ss.end(st)
		}
	}
}

// stillWelcome reports whether the session behind a stream is still good; an unreachable database ends nobody's.
func (ss *streams) stillWelcome(st *stream) bool {
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	_, err := ss.srv.store.SessionByID(ctx, st.session)
	return !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrSuspended)
}

// stop ends those that watch, and lets nobody begin; who publishes is a participant and ends as such.
func (ss *streams) stop() {
	ss.mu.Lock()
	ss.ended = true
	ss.mu.Unlock()
	for _, st := range ss.some(func(st *stream) bool { return st.kind == whep }) {
		ss.end(st)
	}
}

// size counts the streams of each kind.
func (ss *streams) size() (n [streamKinds]int) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	for _, st := range ss.byID {
		n[st.kind]++
	}
	return n
}

// streamEvents is told what the media say of a stream. Its program cannot be told anything, so only the end matters.
type streamEvents struct {
	streams *streams
	stream  *stream
	begun   chan struct{} // closed once the stream is known, or has failed to begin
}

// Gone is the media's last word of a stream.
func (e *streamEvents) Gone(cause string) {
	<-e.begun
	e.streams.srv.log.Info("a stream over HTTP ended", "kind", e.stream.kind.name(), "cause", cause)
	e.streams.end(e.stream)
}

// Sections, and what follows, would be pushed to a participant's client.
func (*streamEvents) Sections(int, int)                  {}
func (*streamEvents) Track(string, string, string, bool) {}
func (*streamEvents) TrackEnded(string, string, string)  {}
func (*streamEvents) Layers(string, []string)            {}
func (*streamEvents) Quality(string, string)             {}
func (*streamEvents) Speakers([]string, []int)           {}
