package media

import (
	"time"

	"neochat/media/ring"
)

// Who begins with a picture is given what came since its latest key frame, if that is not long ago: that is sooner than a new one could
// come, and the publisher is not asked.
const (
	replayAge   = 1200 * time.Millisecond // a little more than keyframeSpacing
	replayMost  = 384                     // packets
	replayFirst = 64                      // packets sent at once: a key frame
	replayPace  = 8                       // packets with each turn after that: a burst would fill the queues on the way
)

// replay is what a section is still to be given of what came before it listened.
type replay struct {
	layer *layer // nil: nothing
	at    uint64 // arrival number of the next packet
	burst int    // packets with the next turn
}

// welcome looks after the sections that came to a feed.
func (w *writer) welcome(f *feed, list []*section) {
	if f.idle.Swap(false) {
		f.cursor = f.layer.ring.Head()
	}
	if f.layer.publication.kind != video {
		return
	}
	now := w.sfu.now()
	key, recent := f.layer.recentKey(now)
	recent = recent && key.Arrival <= f.cursor && f.cursor-key.Arrival <= replayMost
	for _, s := range list {
		waiting, still := s.waitsFor(f.layer, now)
		if !waiting {
			continue
		}
		s.replay = replay{}
		if still && recent {
			s.replay = replay{layer: f.layer, at: key.Arrival, burst: replayFirst}
			f.replaying++
			continue
		}
		f.layer.askKeyframe()
	}
}

// waitsFor tells whether a section waits to begin with a layer, and whether its picture has stood still long enough that what it is given
// may have been sent a while ago.
func (s *section) waitsFor(l *layer, now time.Duration) (waiting, still bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	waiting = s.next == l && s.bound && s.peer.connected.Load()
	return waiting, waiting && s.from == nil && (s.packets == 0 || now-s.lastAt > replayAge)
}

// recentKey is the layer's latest key frame, if it is not old.
func (l *layer) recentKey(now time.Duration) (ring.Key, bool) {
	key, ok := l.ring.Key()
	stamp, epoch, known := l.stampAt(now)
	age := int32(stamp - key.Time)
	return key, ok && known && epoch == key.Epoch && age <= int32(ticks(replayAge, l.publication.kind.clockRate()))
}

// catchUp goes on with what came before, for the sections of a feed that are given it.
func (w *writer) catchUp(f *feed, list []*section, sum *tally) {
	f.replaying = 0
	for _, s := range list {
		if s.replay.layer != f.layer {
			continue
		}
		w.replayTo(f, s, sum)
		if s.replay.layer != nil {
			f.replaying++
		}
	}
}

// replayTo gives a section its turn of what came before.
func (w *writer) replayTo(f *feed, s *section, sum *tally) {
	r := &s.replay
	for n := max(r.burst, replayPace); n > 0 && r.at < f.cursor; n-- {
		if f.layer.ring.At(r.at, &w.packet) == ring.Found {
			now := w.read(f.layer)
			sum.add(s.forward(f.layer, &w.packet, w.numbers, now), len(s.body))
		}
		r.at++
	}
	r.burst = 0
	if r.at == f.cursor {
		*r = replay{}
	}
}
