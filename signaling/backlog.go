package signaling

import (
	"errors"
	"math"
	"sync"
	"time"

	"neochat/store"
	"neochat/wire"
)

// confirmEvery is the least time between two pings that confirm deliveries.
const confirmEvery = 200 * time.Millisecond

// catchUpAgain is how long catching up waits for a database that is away.
const catchUpAgain = time.Second

// backlog brings a plain device, which knows nothing of cursors, level with what
// it missed, and moves its cursor: a pong confirms what was written before its ping.
type backlog struct {
	mu         sync.Mutex
	plain      bool   // guarded by mu, like the rest
	catching   bool   // pushes of durable changes are held back: pages bring them
	missed     bool   // one was held back since the last page was read
	held       []item // those held back that no page will bring
	heldBytes  int
	level      int64           // every change up to here was brought by pages
	written    int64           // highest change written to the socket
	reachedSeq map[int64]int64 // by conversation: the highest seq written since the last confirmation began
	confirming bool            // a goroutine confirms
}

// holdBack reports whether a push of a durable change must not go out: a page
// brings it, or has, or it follows with the pages. full: too much follows.
func (b *backlog) holdBack(it item) (hold, full bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.catching {
		b.missed = true
		if it.told {
			b.held = append(b.held, it)
			b.heldBytes += len(it.data)
		}
		return true, b.heldBytes > maxPushed
	}
	return b.plain && it.change <= b.level && !it.told, false
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

// again makes a plain device catch up once more, from what it has confirmed. start: the caller must start a
// goroutine that does; else one is at it.
func (b *backlog) again() (start bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	start = b.plain && !b.catching
	b.catching = b.catching || start
	b.missed = true
	return start
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
		b.reach(items[i].at)
		for _, at := range items[i].page {
			b.reach(at)
		}
	}
	confirm = b.written > before && !b.confirming
	b.confirming = b.confirming || confirm
	return confirm
}

// reach is called with mu held.
func (b *backlog) reach(at store.Place) {
	if at.Seq == 0 {
		return
	}
	if b.reachedSeq == nil {
		b.reachedSeq = map[int64]int64{}
	}
	b.reachedSeq[at.Conversation] = max(b.reachedSeq[at.Conversation], at.Seq)
}

// next returns what is to be confirmed after done: a change, and a seq by conversation; false: nothing, and the goroutine must end.
func (b *backlog) next(done int64) (upTo int64, reached map[int64]int64, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.written <= done {
		b.confirming = false
		return 0, nil, false
	}
	reached, b.reachedSeq = b.reachedSeq, nil
	return b.written, reached, true
}

// catchUp sends pages of what the plain device missed, each made after the last was written. It begins where the
// device's cursor is, and does not follow it: another connection of that device may move it past what was held back here.
func (c *conn) catchUp() {
	after, begun := int64(0), false
	for c.ctx.Err() == nil {
		var page []store.Message
		var err error
		if !begun {
			after, err = c.srv.store.Cursor(c.ctx, c.account, c.device)
			begun = err == nil
		}
		if err == nil {
			c.backlog.reading()
			page, err = c.srv.store.Undelivered(c.ctx, c.account, after, 200)
		}
		if errors.Is(err, store.ErrUnavailable) {
			c.pause(catchUpAgain)
			continue
		}
		if err != nil {
			c.srv.failed(c.ctx, "reading what a device missed", err)
			c.close(wire.CloseTryLater, "what you missed cannot be read now")
			return
		}
		var data []byte
		var places []store.Place
		for i := range page {
			data = append(data, c.backlog.before(page[i].Change)...)
			data = appendMessage(data, &page[i], c.account)
			after = page[i].Change
			places = append(places, store.Place{Conversation: page[i].Conversation, Seq: page[i].Seq})
			if len(data) > maxWaiting-maxFrame {
				break
			}
		}
		if len(page) == 0 {
			data = c.backlog.before(math.MaxInt64)
		}
		if len(data) > 0 {
			c.answer(item{data: data, change: after, page: places})
			c.out.waitIdle()
		}
		if c.backlog.reached(after, len(page) == 0) {
			return
		}
	}
}

// pause waits, or until the connection ends.
func (c *conn) pause(d time.Duration) {
	wait := time.NewTimer(d)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-c.ctx.Done():
	}
}

// tellDoubt makes every connection look for what it was not told, because nobody knows whether it is there: a
// plain device catches up again, others are told to sync.
func (s *Server) tellDoubt() {
	sync := item{data: wire.End(wire.Append(nil, "message_type", "sync")), push: true}
	for _, c := range s.connections() {
		switch {
		case !c.loggedIn.Load():
		case c.device != "":
			c.push(sync)
		case c.backlog.again():
			go c.catchUp()
		}
	}
}

// confirm pings after what was written, and moves the device's cursor with the pong.
func (c *conn) confirm() {
	var done int64
	for {
		upTo, reached, ok := c.backlog.next(done)
		if !ok || !c.ping() {
			return
		}
		c.srv.store.Delivered(c.account, c.device, upTo)
		for conversation, seq := range reached {
			c.srv.store.Mark(c.account, conversation, store.Watermark{Delivered: seq}, c, func(store.Watermark, error) {})
		}
		done = upTo
		select {
		case <-time.After(confirmEvery):
		case <-c.ctx.Done():
			return
		}
	}
}
