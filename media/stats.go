package media

import (
	"math"
	"sync/atomic"
)

// Stats are figures about an SFU. All but those of this moment only grow. The keys of its maps are few and do not depend on what clients send.
type Stats struct {
	Rooms, Peers, Publications int // at this moment, as are Subscriptions: publications that a receiver has a section for
	Subscriptions              int
	Pictures                   map[string]int // at this moment: pictures that receivers have a section for, by what of them they are to get: the small, middle or large layer, the only one, or none
	Limited                    int            // at this moment: receivers that are known to get no more than so much

	PacketsIn, BytesIn   uint64 // media received, payload bytes
	PacketsOut, BytesOut uint64 // media forwarded, payload bytes, without repairs
	Undeliverable        uint64 // media packets the system would not send
	Unknown              uint64 // media packets of no publication, and malformed ones
	NacksIn, RepairsOut  uint64 // packets that receivers asked for again, and those we could send again
	NacksOut, RepairsIn  uint64 // packets that we asked publishers for again, and those that came
	Restored             uint64 // packets of sound that were lost on their way here, and taken from those after them
	PLIsIn, PLIsOut      uint64 // requests for a key frame, by receivers and to publishers
	Skips                uint64 // times a writer was lapped and went on from the newest packet
	FeedbackIn           uint64 // transport-wide feedback messages of receivers
	Delivered, Lost      uint64 // packets they reported
	ReportsOut           uint64 // RTCP packets sent
	Padding              uint64 // packets sent to find out whether more gets through
	Pauses               uint64 // times so little got through to a receiver that it got only sound
	Larger, Smaller      uint64 // times a receiver's picture went on with a larger, or smaller, layer

	Gone         map[string]uint64 // peers that are no more, by what ended them: left, shutdown, lost (the connection broke), unconnected (none came about), description and flood (the client's mistakes)
	FirstPicture Histogram         // seconds from Join to the first packet of a picture that was forwarded, where somebody sent one at Join
	Estimates    Histogram         // bits per second that get through to each receiver that is limited, once a second
}

// The keys of Stats.Pictures. None is for what is not shown, or does not get through.
const (
	layerNone   = "none"
	layerOnly   = "only"
	layerSmall  = "small"
	layerMiddle = "middle"
	layerLarge  = "large"
)

// layerName is the key of Stats.Pictures for a layer, -1 for none, of so many.
func layerName(chosen, of int) string {
	switch {
	case chosen < 0:
		return layerNone
	case of == 1:
		return layerOnly
	case chosen == 0:
		return layerSmall
	case chosen == of-1:
		return layerLarge
	}
	return layerMiddle
}

// ending is what ended a peer.
type ending uint8

const (
	byLeaving     ending = iota
	byShutdown           // of the server
	byLoss               // the connection was there and broke
	unconnected          // there never was one
	byDescription        // half of one that Pion does not take is in force
	byFlood              // of SSRCs
	endings
)

func (e ending) String() string {
	return [...]string{"left", "shutdown", "lost", "unconnected", "description", "flood"}[e]
}

// told is what the peer's Gone says.
func (e ending) told() string {
	switch e {
	case byLeaving:
		return "left"
	case byShutdown:
		return "shutdown"
	}
	return "failed"
}

// Histogram counts values by size.
type Histogram struct {
	Bounds []float64 // upper ones, inclusive, rising
	Counts []uint64  // of the values up to each bound but above the one before; the last: above all
	Sum    float64
}

// histogram is a Histogram that goroutines count into.
type histogram struct {
	bounds []float64
	counts []atomic.Uint64
	sum    atomic.Uint64 // bits of a float64
}

func newHistogram(bounds ...float64) *histogram {
	return &histogram{bounds: bounds, counts: make([]atomic.Uint64, len(bounds)+1)}
}

func (h *histogram) add(v float64) {
	i := 0
	for i < len(h.bounds) && v > h.bounds[i] {
		i++
	}
	h.counts[i].Add(1)
	for {
		old := h.sum.Load()
		if h.sum.CompareAndSwap(old, math.Float64bits(math.Float64frombits(old)+v)) {
			return
		}
	}
}

func (h *histogram) now() Histogram {
	out := Histogram{Bounds: h.bounds, Sum: math.Float64frombits(h.sum.Load())}
	for i := range h.counts {
		out.Counts = append(out.Counts, h.counts[i].Load())
	}
	return out
}

// counters are what Stats is made of; each is counted where it happens.
type counters struct {
	packetsIn, bytesIn, packetsOut, bytesOut, undeliverable, unknown atomic.Uint64
	nacksIn, repairsOut, nacksOut, repairsIn, plisIn, plisOut        atomic.Uint64
	skips, feedbackIn, delivered, lost, pauses, padding, reportsOut  atomic.Uint64
	larger, smaller, restored                                        atomic.Uint64

	gone         [endings]atomic.Uint64
	firstPicture *histogram
	estimates    *histogram
}

func newCounters() *counters {
	return &counters{
		firstPicture: newHistogram(.1, .2, .3, .5, .75, 1, 1.5, 2, 3, 5, 10),
		estimates:    newHistogram(50e3, 100e3, 200e3, 300e3, 500e3, 750e3, 1e6, 1.5e6, 2.5e6, 5e6, 10e6),
	}
}

// Stats gives the figures now.
func (s *SFU) Stats() Stats {
	c := s.counts
	st := Stats{
		PacketsIn: c.packetsIn.Load(), BytesIn: c.bytesIn.Load(), PacketsOut: c.packetsOut.Load(), BytesOut: c.bytesOut.Load(),
		Undeliverable: c.undeliverable.Load(), Unknown: c.unknown.Load(), NacksIn: c.nacksIn.Load(), RepairsOut: c.repairsOut.Load(),
		NacksOut: c.nacksOut.Load(), RepairsIn: c.repairsIn.Load(), PLIsIn: c.plisIn.Load(), PLIsOut: c.plisOut.Load(),
		Skips: c.skips.Load(), FeedbackIn: c.feedbackIn.Load(), Delivered: c.delivered.Load(), Lost: c.lost.Load(), Pauses: c.pauses.Load(), Padding: c.padding.Load(), ReportsOut: c.reportsOut.Load(),
		Restored: c.restored.Load(), Larger: c.larger.Load(), Smaller: c.smaller.Load(),
		Pictures: map[string]int{}, Gone: map[string]uint64{}, FirstPicture: c.firstPicture.now(), Estimates: c.estimates.now(),
	}
	for _, name := range []string{layerNone, layerOnly, layerSmall, layerMiddle, layerLarge} {
		st.Pictures[name] = 0
	}
	for e := range endings {
		st.Gone[e.String()] = c.gone[e].Load()
	}
	rooms := s.allRooms()
	st.Rooms = len(rooms)
	for _, r := range rooms {
		r.countInto(&st)
	}
	return st
}

// countInto adds what a room is at this moment.
func (r *room) countInto(st *Stats) {
	r.mu.Lock()
	defer r.mu.Unlock()
	st.Peers += len(r.order)
	for _, p := range r.order {
		st.Publications += len(p.publications)
		if rate, _ := p.down.budget(); rate != 0 {
			st.Limited++
		}
		for pub, sub := range p.receiving {
			if sub.section == nil {
				continue
			}
			st.Subscriptions++
			if pub.kind == video && len(pub.layers) > 0 {
				st.Pictures[layerName(sub.chosen, len(pub.layers))]++
			}
		}
	}
}
