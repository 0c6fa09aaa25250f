package media

import (
	"sync"
	"sync/atomic"

	"neochat/media/ring"
)

// turn is the number of packets a writer passes on for one publication before it looks after the next.
const turn = 32

// writer passes packets on to its share of the peers. A publication's reader never waits for it: it only leaves a note.
type writer struct {
	sfu  *SFU
	wake chan struct{} // capacity 1

	mu    sync.Mutex
	ready []*feed // guarded by mu: with something new, each once

	packet ring.Packet // owned by run: the packet being passed on
	spare  []*feed     // owned by run
}

func newWriter(s *SFU) *writer { return &writer{sfu: s, wake: make(chan struct{}, 1)} }

// feed is a publication as seen by one writer.
type feed struct {
	publication *publication
	writer      *writer
	queued      atomic.Bool
	fresh       atomic.Bool // the first section came: begin with what arrives from now on
	sections    atomic.Pointer[[]*section]
	cursor      uint64 // owned by the writer: arrival number of the next packet
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

// listen adds a section of a peer to those the publication is passed on to. room.mu is held.
func (pub *publication) listen(s *section) {
	f := pub.feedOf(s)
	var list []*section
	if old := f.sections.Load(); old != nil {
		list = append(list, *old...)
	} else {
		f.fresh.Store(true)
	}
	list = append(list, s)
	f.sections.Store(&list)
	f.announce() // a key frame is asked for there, not under this lock
}

// unlisten takes a section away again. room.mu is held.
func (pub *publication) unlisten(s *section) {
	f := pub.feedOf(s)
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
		return
	}
	f.sections.Store(&list)
}

func (pub *publication) feedOf(s *section) *feed {
	for _, f := range pub.feeds {
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
		f.cursor = f.publication.ring.Head()
		f.publication.askKeyframe()
	}
	var sent, bytes, failed uint64
	for range turn {
		switch f.publication.ring.At(f.cursor, &w.packet) {
		case ring.NotYet:
			w.count(sent, bytes, failed)
			return
		case ring.Lapped:
			w.skip(f, *list)
			continue
		}
		f.cursor++
		now := w.sfu.now()
		for _, s := range *list {
			switch s.forward(f.publication, &w.packet, now) {
			case forwarded:
				sent++
				bytes += uint64(len(w.packet.Payload))
			case undeliverable:
				failed++
			}
		}
	}
	w.count(sent, bytes, failed)
	f.announce() // the rest after the others' turn
}

// skip goes on with what is there after the writer was too slow: pictures from the next key frame on.
func (w *writer) skip(f *feed, list []*section) {
	head := f.publication.ring.Head()
	if f.cursor+uint64(f.publication.kind.slots()) >= head { // one packet overwritten by a later one in its slot
		f.cursor++
		return
	}
	f.cursor = head
	w.sfu.counts.skips.Add(1)
	for _, s := range list {
		s.skip(f.publication)
	}
}

func (w *writer) count(sent, bytes, failed uint64) {
	c := &w.sfu.counts
	c.packetsOut.Add(sent)
	c.bytesOut.Add(bytes)
	if failed > 0 {
		c.undeliverable.Add(failed)
	}
}
