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

// inbox lies between the reader of the connection, which must never wait, and the
// deliverer, which waits for whoever reads the events. Messages of conversations
// are dropped past its size and their conversations noted: they can be fetched.
type inbox struct {
	size int
	wake chan struct{} // holds a token while there is something

	mu sync.Mutex
	// guarded by mu
	items  []any
	behind map[string]struct{} // conversations of which something was dropped
}

func newInbox(size int) *inbox {
	return &inbox{size: size, wake: make(chan struct{}, 1), behind: map[string]struct{}{}}
}

// put adds an Event, a place of an own send, a linkUp or a linkDown. It reports
// whether it was kept or can be fetched.
func (b *inbox) put(item any) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	m, isMessage := item.(Message)
	_, isEvent := item.(Event)
	switch {
	case isMessage && (len(b.items) >= b.size || b.isBehindLocked(m.Conversation)):
		b.behind[m.Conversation] = struct{}{}
	case isEvent && len(b.items) >= 2*b.size:
		return false
	default: // own sends and changes of the link are few, and always taken
		b.items = append(b.items, item)
	}
	select {
	case b.wake <- struct{}{}:
	default:
	}
	return true
}

func (b *inbox) isBehindLocked(conversation string) bool {
	_, ok := b.behind[conversation]
	return ok
}

// fetch is what take returns when a conversation has to be caught up from the history.
type fetch struct{ conversation string }

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
	for conversation := range b.behind {
		delete(b.behind, conversation)
		return fetch{conversation}, true
	}
	return nil, false
}
