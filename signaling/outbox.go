package signaling

import (
	"io"
	"sync"

	"neochat/store"
)

// What may wait for one connection. Pushes past maxPushed end it with 1013; its
// next request is not read while more than maxWaiting waits.
const (
	maxFleeting = 16 << 10 // waiting, past which fleeting pushes are left out
	maxPushed   = 256 << 10
	maxWaiting  = 128 << 10
	maxFrame    = 64 << 10 // bytes of messages that are written as one frame
)

// item is one encoded message, or several that belong together, on its way out.
// data may be shared among connections and is never changed.
type item struct {
	data     []byte
	push     bool
	fleeting bool          // a push that is left out where much waits
	change   int64         // of the durable change it tells; 0: none
	late     bool          // more follows, and Server.startLate: only in a callback of the store that succeeded
	told     bool          // no page of what a plain device missed brings it: it must be told
	at       store.Place   // of the message of another's that it brings; zero: none
	page     []store.Place // of several
	body     io.ReadCloser // a binary frame: data, then this; nil: text
}

// outbox holds what waits to be written to one connection, in order. Nobody waits for it but its writer.
type outbox struct {
	mu      sync.Mutex
	room    sync.Cond // signalled when waiting falls, or at close
	queue   []item    // guarded by mu
	waiting int       // bytes in queue and being written; guarded by mu
	pushed  int       // the part of waiting that was pushed; guarded by mu
	writing bool      // a writer runs; guarded by mu
	closed  bool      // guarded by mu
}

func (o *outbox) init() { o.room.L = &o.mu }

// put adds an item. start: the caller must start a writer. full: too much was pushed, the item was not taken.
func (o *outbox) put(it item) (start, full bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		if it.body != nil {
			it.body.Close()
		}
		return false, false
	}
	if it.fleeting && o.waiting > maxFleeting {
		return false, false
	}
	if it.push {
		if o.pushed+len(it.data) > maxPushed {
			return false, true
		}
		o.pushed += len(it.data)
	}
	o.waiting += len(it.data)
	o.queue = append(o.queue, it)
	start = !o.writing
	o.writing = true
	return start, false
}

// take hands the writer everything that waits; false: nothing does, and the writer must end.
func (o *outbox) take() ([]item, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.queue) == 0 || o.closed {
		o.writing = false
		o.room.Broadcast()
		return nil, false
	}
	q := o.queue
	o.queue = nil
	return q, true
}

// written counts items out, and tells how many bytes they had and how many of them were pushed.
func (o *outbox) written(items []item) (bytes, pushed int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range items {
		bytes += len(items[i].data)
		if items[i].push {
			o.pushed -= len(items[i].data)
			pushed++
		}
	}
	o.waiting -= bytes
	o.room.Broadcast()
	return bytes, pushed
}

// waitBelow returns when at most n bytes wait, or the outbox is closed.
func (o *outbox) waitBelow(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.waiting > n && !o.closed {
		o.room.Wait()
	}
}

// waitIdle returns when everything was written and the writer has ended, or at close.
func (o *outbox) waitIdle() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for (o.writing || len(o.queue) > 0) && !o.closed {
		o.room.Wait()
	}
}

func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	for _, it := range o.queue {
		if it.body != nil {
			it.body.Close()
		}
	}
	o.queue = nil
	o.room.Broadcast()
}
