package media

import (
	"sync"
	"sync/atomic"
	"time"

	"neochat/media/ring"
	"neochat/media/vp8"
)

// turn is the number of packets a writer passes on for one layer before it looks after the next.
const turn = 32

// writer passes packets on to its share of the peers. A layer's reader never waits for it: it only leaves a note.
type writer struct {
	sfu  *SFU
	wake chan struct{} // capacity 1

	mu    sync.Mutex
	ready []*feed // guarded by mu: with something new, each once

	packet  ring.Packet // owned by run: the packet being passed on
	numbers vp8.Numbers // owned by run: of its picture
	spare   []*feed     // owned by run
}

func newWriter(s *SFU) *writer { return &writer{sfu: s, wake: make(chan struct{}, 1)} }

// feed is a layer as seen by one writer.
type feed struct {
	layer    *layer
	writer   *writer
	queued   atomic.Bool
	fresh    atomic.Bool // somebody new listens
	idle     atomic.Bool // nobody listened: begin with what arrives from now on
	sections atomic.Pointer[[]*section]

	cursor    uint64 // owned by the writer: arrival number of the next packet
	replaying int    // owned by the writer: sections that are given what came before
}

// announce puts the feed on its writer's list, if anybody of that writer's share listens.
func (f *feed) announce() {
	if f.sections.Load() == nil || !f.queued.CompareAndSwap(false, true) {
		return
	}
	f.writer.add(f)
}

func (w *writer) add(f *feed) {
	w.mu.Lock()
	w.ready = append(w.ready, f)
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// listen adds a section to those the layer is passed on to.
func (l *layer) listen(s *section) {
	f := l.feedOf(s)
	l.listening.Lock()
	defer l.listening.Unlock()
	var list []*section
	if old := f.sections.Load(); old != nil {
		list = append(list, *old...)
	}
	list = append(list, s)
	f.sections.Store(&list)
	f.fresh.Store(true)
	f.announce() // a key frame is asked for there, not here
}

// unlisten takes a section away again.
func (l *layer) unlisten(s *section) {
	f := l.feedOf(s)
	l.listening.Lock()
	defer l.listening.Unlock()
	old := f.sections.Load()
	if old == nil {
		return
	}
	var list []*section
	for _, x := range *old {
		if x != s {
			list = append(list, x)
		}
	}
	if len(list) == 0 {
		f.sections.Store(nil)
		f.idle.Store(true)
		return
	}
	f.sections.Store(&list)
}

func (l *layer) feedOf(s *section) *feed {
	for _, f := range l.feeds {
		if f.writer == s.peer.writer {
			return f
		}
	}
	return nil
}

func (w *writer) run() {
	for {
		select {
		case <-w.wake:
			for w.round() {
			}
		case <-w.sfu.stop:
			return
		}
	}
}

// round gives every ready feed its turn; false if there was none.
func (w *writer) round() bool {
	w.mu.Lock()
	w.ready, w.spare = w.spare[:0], w.ready
	w.mu.Unlock()
	for _, f := range w.spare {
		f.queued.Store(false)
		w.drain(f)
	}
	return len(w.spare) > 0
}

// drain passes on what the feed has, up to a turn.
func (w *writer) drain(f *feed) {
	list := f.sections.Load()
	if list == nil {
		return
	}
	if f.fresh.Swap(false) {
		w.welcome(f, *list)
	}
	var sum tally
	more := w.live(f, *list, &sum)
	if f.replaying > 0 {
		w.catchUp(f, *list, &sum)
	}
	w.count(sum)
	if more {
		f.announce() // the rest after the others' turn
	}
}

// live passes on what is new; it tells whether there is more.
func (w *writer) live(f *feed, list []*section, sum *tally) bool {
	for range turn {
		switch f.layer.ring.At(f.cursor, &w.packet) {
		case ring.NotYet:
			return false
		case ring.Lapped:
			w.skip(f, list)
			continue
		}
		f.cursor++
		now := w.read(f.layer)
		for _, s := range list {
			if s.replay.layer != f.layer {
				sum.add(s.forward(f.layer, &w.packet, w.numbers, now), len(s.body))
			}
		}
	}
	return true
}

// read looks into the packet that is to be passed on.
func (w *writer) read(l *layer) time.Duration {
	if l.publication.kind == video {
		w.numbers = vp8.ReadNumbers(w.packet.Payload)
	} else {
		w.numbers = vp8.Numbers{}
	}
	return w.sfu.now()
}

// skip goes on with what is there after the writer was too slow: pictures from the next key frame on.
func (w *writer) skip(f *feed, list []*section) {
	head := f.layer.ring.Head()
	if f.cursor+uint64(f.layer.publication.kind.slots()) >= head { // one packet overwritten by a later one in its slot
		f.cursor++
		return
	}
	f.cursor = head
	w.sfu.counts.skips.Add(1)
	for _, s := range list {
		s.skip(f.layer)
	}
}

// tally counts what a turn did.
type tally struct{ sent, bytes, failed uint64 }

func (t *tally) add(o outcome, bytes int) {
	switch o {
	case forwarded:
		t.sent++
		t.bytes += uint64(bytes)
	case undeliverable:
		t.failed++
	}
}

func (w *writer) count(t tally) {
	c := w.sfu.counts
	c.packetsOut.Add(t.sent)
	c.bytesOut.Add(t.bytes)
	if t.failed > 0 {
		c.undeliverable.Add(t.failed)
	}
}
