package turn

import (
	"net/netip"
	"sync"
)

const (
	// maxFrame is the longest message to and from clients, in bytes: what fits a path, and some.
	maxFrame = 2048
	// maxPayload is the longest payload relayed to a client.
	maxPayload = maxFrame - headroom
	// outboxFrames bounds what waits for one UDP socket, streamFrames for one connection: 4.3 MB and 0.5 MB of memory.
	outboxFrames = 2048
	streamFrames = 256
)

// frame is one message to a client with its own memory; it belongs to who holds it.
type frame struct {
	buf [headroom + maxFrame]byte
	out []byte // of buf
	to  netip.AddrPort
}

var frames = sync.Pool{New: func() any { return new(frame) }}

// outbox holds what waits to be written by one goroutine. Nobody who puts
// something in ever waits: what does not fit is refused.
type outbox struct {
	limit int
	wake  chan struct{} // of one: something waits, or the end

	mu      sync.Mutex
	waiting []*frame // guarded by mu
	closed  bool     // guarded by mu
}

func newOutbox(limit int) *outbox {
	return &outbox{limit: limit, wake: make(chan struct{}, 1)}
}

// put hands a frame over, or gives it back to the pool and says so.
func (o *outbox) put(f *frame) bool {
	o.mu.Lock()
	if o.closed || len(o.waiting) >= o.limit {
		o.mu.Unlock()
		frames.Put(f)
		return false
	}
	o.waiting = append(o.waiting, f)
	first := len(o.waiting) == 1
	o.mu.Unlock()
	if first {
		o.signal()
	}
	return true
}

func (o *outbox) signal() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// take waits for frames and takes all there are, giving an emptied slice back;
// nil means the end.
func (o *outbox) take(empty []*frame) []*frame {
	for {
		<-o.wake
		o.mu.Lock()
		taken, closed := o.waiting, o.closed
		if len(taken) > 0 {
			o.waiting = empty[:0]
		}
		o.mu.Unlock()
		switch {
		case closed:
			release(taken)
			o.signal()
			return nil
		case len(taken) > 0:
			return taken
		}
	}
}

// close ends the outbox; what waits is dropped.
func (o *outbox) close() {
	o.mu.Lock()
	o.closed = true
	o.mu.Unlock()
	o.signal()
}

func release(taken []*frame) {
	for i, f := range taken {
		frames.Put(f)
		taken[i] = nil
	}
}
