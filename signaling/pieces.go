package signaling

import (
	"context"
	"net/http"
	"sync"
	"time"
)

const (
	maxTransfers  = 64               // uploads over HTTP that one account sends at one time
	expiryTick    = time.Minute      // between two looks for uploads that have expired
	expiredAtOnce = 100              // of them
	pieceTime     = 12 * time.Hour   // one request may send
	uploadLife    = 24 * time.Hour   // an upload waits for its next piece
	finishTime    = 10 * time.Minute // bytes that are all there may take to become a file
)

// pieces are the uploads that requests work on, one at a time on each: the latest one, for its client has lost the one before.
type pieces struct {
	ctx    context.Context // ends when the server does not wait for them any longer
	cancel context.CancelFunc

	mu    sync.Mutex
	busy  map[string]*work // by id; guarded by mu
	of    map[string]int   // transfers by account; guarded by mu
	ended bool             // guarded by mu
}

// work is what a request does on an upload.
type work struct {
	interrupt func()        // makes it come to an end soon
	done      chan struct{} // closed at that end
}

func newPieces() *pieces {
	p := &pieces{busy: map[string]*work{}, of: map[string]int{}}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p
}

// take gives an upload to a request, which must release it; interrupt is called, from another goroutine, when another one
// wants it. It waits for the one that has it, until ctx is done.
func (p *pieces) take(ctx context.Context, id string, interrupt func()) (release func(), err error) {
	for {
		w, before, ended := p.try(id, interrupt)
		switch {
		case ended:
			return nil, errRestarts()
		case before == nil:
			return func() { p.release(id, w) }, nil
		}
		before.interrupt()
		select {
		case <-before.done:
		case <-ctx.Done():
			return nil, refusal(http.StatusLocked, "another request still works on this upload; try again")
		}
	}
}

// try returns the new work, or the one that is on it.
func (p *pieces) try(id string, interrupt func()) (w, before *work, ended bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return nil, nil, true
	}
	if before = p.busy[id]; before != nil {
		return nil, before, false
	}
	w = &work{interrupt, make(chan struct{})}
	p.busy[id] = w
	return w, nil, false
}

func (p *pieces) release(id string, w *work) {
	p.mu.Lock()
	delete(p.busy, id)
	p.mu.Unlock()
	close(w.done)
}

// enter counts a transfer of an account in; the caller calls leave after it.
func (p *pieces) enter(account string) (leave func(), err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of[account] >= maxTransfers {
		return nil, &tooOften{of: boundRequests, after: time.Second, what: "this account sends as many files at one time as it may"}
	}
	p.of[account]++
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.of[account]--; p.of[account] == 0 {
			delete(p.of, account)
		}
	}, nil
}

// stop interrupts all and waits for them, at most until ctx is done; what came is kept. No more begin.
func (p *pieces) stop(ctx context.Context) {
	p.mu.Lock()
	p.ended = true
	var all []*work
	for _, w := range p.busy {
		all = append(all, w)
	}
	p.mu.Unlock()
	for _, w := range all {
		w.interrupt()
	}
	for _, w := range all {
		select {
		case <-w.done:
		case <-ctx.Done():
		}
	}
	p.cancel()
}

// tendUploads drops what has expired, until the server ends.
func (s *Server) tendUploads() {
	defer s.live.Done()
	tick := time.NewTicker(expiryTick)
	defer tick.Stop()
	for {
		s.dropExpired()
		select {
		case <-tick.C:
		case <-s.pieces.ctx.Done():
			return
		}
	}
}

func (s *Server) dropExpired() {
	ctx, cancel := context.WithTimeout(s.pieces.ctx, expiryTick)
	defer cancel()
	ids, err := s.store.ExpiredUploads(ctx, expiredAtOnce)
	if err != nil {
		s.failed(s.pieces.ctx, "looking for expired uploads", err)
	}
	for _, id := range ids {
		if w, _, _ := s.pieces.try(id, func() {}); w != nil { // who works on it now finds out; it is dropped the next time
			s.dropUpload(ctx, id)
			s.pieces.release(id, w)
		}
	}
}

// dropUpload forgets an upload that has expired, its bytes first: where that fails it is dropped the next time.
func (s *Server) dropUpload(ctx context.Context, id string) {
	err := s.cfg.Uploads.Drop(ctx, id)
	if err == nil {
		err = s.store.DropUpload(ctx, id)
	}
	if err != nil {
		s.failed(s.pieces.ctx, "dropping an upload", err)
	}
}
