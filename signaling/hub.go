package signaling

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
)

// hub knows which connections an account has. It is sharded so that deliveries
// to different accounts do not meet on a lock.
type hub struct {
	seed   maphash.Seed
	shards [64]hubShard
	live   atomic.Int64 // connections in it
}

type hubShard struct {
	mu    sync.RWMutex
	conns map[string][]*conn // by account; guarded by mu; the slices are never changed in place
}

func newHub() *hub {
	h := &hub{seed: maphash.MakeSeed()}
	for i := range h.shards {
		h.shards[i].conns = map[string][]*conn{}
	}
	return h
}

func (h *hub) shard(account string) *hubShard {
	return &h.shards[maphash.String(h.seed, account)%uint64(len(h.shards))]
}

func (h *hub) add(account string, c *conn) {
	s := h.shard(account)
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.conns[account]
	s.conns[account] = append(old[:len(old):len(old)], c)
	h.live.Add(1)
}

func (h *hub) remove(account string, c *conn) {
	s := h.shard(account)
	s.mu.Lock()
	defer s.mu.Unlock()
	var kept []*conn
	for _, x := range s.conns[account] {
		if x != c {
			kept = append(kept, x)
		}
	}
	h.live.Add(int64(len(kept) - len(s.conns[account]))) // less by one, or by none if it was removed before
	if len(kept) == 0 {
		delete(s.conns, account)
	} else {
		s.conns[account] = kept
	}
}

// of returns the account's connections; the caller must not change the slice.
func (h *hub) of(account string) []*conn {
	s := h.shard(account)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.conns[account]
}

// push tells every connection of account but one (nil: all of them). It never waits.
func (h *hub) push(account string, it item, but *conn) {
	it.push = true
	for _, c := range h.of(account) {
		if c != but {
			c.push(it)
		}
	}
}
