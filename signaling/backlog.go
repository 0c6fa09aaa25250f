package signaling

import (
	"math"
	"sync"
	"time"

	"neochat/wire"
)

// confirmEvery is the least time between two pings that confirm deliveries.
const confirmEvery = 200 * time.Millisecond

// backlog brings a plain device, which knows nothing of cursors, level with what
// it missed, and moves its cursor: a pong confirms what was written before its ping.
type backlog struct {
	mu         sync.Mutex
	plain      bool   // guarded by mu, like the rest
	catching   bool   // pushes of durable changes are held back: pages bring them
	missed     bool   // one was held back since the last page was read
	held       []item // those held back that no page will bring: the account's own
	heldBytes  int
	level      int64 // every change up to here was brought by pages
	written    int64 // highest change written to the socket
	confirming bool  // a goroutine confirms
}

// holdBack reports whether a push of a durable change must not go out: a page
// brings it, or has, or it follows with the pages. full: too much follows.
func (b *backlog) holdBack(it item) (hold, full bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.catching {
		b.missed = true
		if it.own {
			b.held = append(b.held, it)
			b.heldBytes += len(it.data)
		}
		return true, b.heldBytes > maxPushed
	}
	return b.plain && it.change <= b.level && !it.own, false
}

// before takes those held back whose change comes before the given one, in their order.
func (b *backlog) before(change int64) (data []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.held) > 0 && b.held[0].change < change {
		data = append(data, b.held[0].data...)
		b.heldBytes -= len(b.held[0].data)
		b.held = b.held[1:]
	}
	return data
}

// begin makes the connection a plain device's that is not level yet.
func (b *backlog) begin() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.plain, b.catching = true, true
}

// reading notes that a page is about to be read: what is committed by now, it will hold.
func (b *backlog) reading() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.missed = false
}

// reached moves level; with an empty page, and nothing held back meanwhile, the connection is level.
func (b *backlog) reached(level int64, empty bool) (done bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.level = max(b.level, level)
	if empty && !b.missed {
		b.catching = false
	}
	return !b.catching
}

// wrote notes what has been written; confirm: the caller must start a goroutine that confirms.
func (b *backlog) wrote(items []item) (confirm bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.plain {
		return false
	}
	before := b.written
	for i := range items {
		b.written = max(b.written, items[i].change)
	}
	confirm = b.written > before && !b.confirming
	b.confirming = b.confirming || confirm
	return confirm
}

// next returns what is to be confirmed after done; false: nothing, and the goroutine must end.
func (b *backlog) next(done int64) (int64, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.written <= done {
		b.confirming = false
		return 0, false
	}
	return b.written, true
}

// catchUp sends pages of what the plain device missed, each made after the last was written.
func (c *conn) catchUp() {
	var after int64
	for c.ctx.Err() == nil {
		c.backlog.reading()
		page, err := c.srv.store.Undelivered(c.ctx, c.account, c.device, after, 200)
		if err != nil {
			c.srv.failed(c.ctx, "reading what a device missed", err)
			c.close(wire.CloseTryLater, "what you missed cannot be read now")
			return
		}
		var data []byte
		for i := range page {
			data = append(data, c.backlog.before(page[i].Change)...)
			data = appendMessage(data, &page[i], c.account)
			after = page[i].Change
			if len(data) > maxWaiting-maxFrame {
				break
			}
		}
		if len(page) == 0 {
			data = c.backlog.before(math.MaxInt64)
		}
		if len(data) > 0 {
			c.answer(item{data: data, change: after})
			c.out.waitIdle()
		}
		if c.backlog.reached(after, len(page) == 0) {
			return
		}
	}
}

// confirm pings after what was written, and moves the device's cursor with the pong.
func (c *conn) confirm() {
	var done int64
	for {
		upTo, ok := c.backlog.next(done)
		if !ok || !c.ping() {
			return
		}
		c.srv.store.Delivered(c.account, c.device, upTo)
		done = upTo
		select {
		case <-time.After(confirmEvery):
		case <-c.ctx.Done():
			return
		}
	}
}
