package sdk

import (
	"context"
	"sync"
)

// inboxSize is how many things may wait for the deliverer.
const inboxSize = 2048

// place is where a message stands.
type place struct {
	conversation string
	seq          int64
}

// ownChange is the change that a request of this client caused.
type ownChange int64

// inbox lies between the reader of the connection, which must never wait, and the
// deliverer, which waits for whoever reads the events. What sync can bring is dropped
// past its size, and that is noted.
type inbox struct {
	size int
	wake chan struct{} // holds a token while there is something

	mu sync.Mutex
	// guarded by mu
	items  []any
	behind bool // something durable was dropped
}

func newInbox(size int) *inbox {
	return &inbox{size: size, wake: make(chan struct{}, 1)}
}

// put adds an Event, or what else the deliverer has to know. It reports whether
// the item was kept, can be fetched, or need not be.
func (b *inbox) put(item any) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, isEvent := item.(Event)
	full := len(b.items) >= b.size
	switch {
	case isEvent && changeOf(e) > 0 && (full || b.behind):
		b.behind = true
	case isEvent && fleeting(e) && full:
		return true
	case isEvent && len(b.items) >= 2*b.size:
		return false
	default: // what is no event is rare, and always taken
		b.items = append(b.items, item)
	}
	select {
	case b.wake <- struct{}{}:
	default:
	}
	return true
}

// fleeting reports whether an event is worth little a moment later.
func fleeting(e Event) bool {
	switch e.(type) {
	case Typing, Presence:
		return true
	}
	return false
}

// resync is what take returns when something has to be fetched by sync.
type resync struct{}

// take waits for the next item; false: ctx ended.
func (b *inbox) take(ctx context.Context) (any, bool) {
	for {
		if item, ok := b.next(); ok {
			return item, true
		}
		select {
		case <-b.wake:
		case <-ctx.Done():
			return nil, false
		}
	}
}

func (b *inbox) next() (any, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.items) > 0 {
		item := b.items[0]
		b.items[0] = nil
		b.items = b.items[1:]
		return item, true
	}
	b.items = nil // let the array go
	if b.behind {
		b.behind = false
		return resync{}, true
	}
	return nil, false
}

// takeOwn takes what this client did out of what waits, before its turn: sync must not take it for news.
func (b *inbox) takeOwn() []any {
	b.mu.Lock()
	defer b.mu.Unlock()
	var own, rest []any
	for _, item := range b.items {
		switch item.(type) {
		case place, ownChange:
			own = append(own, item)
		default:
			rest = append(rest, item)
		}
	}
	b.items = rest
	return own
}
