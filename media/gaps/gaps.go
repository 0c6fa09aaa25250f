// Package gaps keeps what a stream is missing, and says when to ask for it again (RFC 4585 section 6.2.1).
package gaps

import "time"

const (
	limit    = 256                    // missing packets kept; past it a key frame is cheaper
	tries    = 8                      // times a packet is asked for
	patience = 5 * time.Millisecond   // how long a packet may merely be late
	lifetime = 800 * time.Millisecond // after that nobody wants it any more
)

type hole struct {
	seq   uint64
	since time.Duration
	asked time.Duration
	tries int
}

// Tracker follows one stream. Times are durations since any fixed moment. Not safe for concurrent use.
type Tracker struct {
	started bool
	highest uint64
	holes   []hole // ascending
}

// Received notes a packet. It answers false if so many went missing at once that repair makes no sense: they are forgotten.
func (t *Tracker) Received(seq uint64, now time.Duration) bool {
	if !t.started {
		t.started, t.highest = true, seq
		return true
	}
	if seq <= t.highest {
		t.fill(seq)
		return true
	}
	missing := seq - t.highest - 1
	from := t.highest + 1
	t.highest = seq
	if missing+uint64(len(t.holes)) > limit {
		t.holes = t.holes[:0]
		return false
	}
	for s := from; s < seq; s++ {
		t.holes = append(t.holes, hole{seq: s, since: now})
	}
	return true
}

func (t *Tracker) fill(seq uint64) {
	for i := range t.holes {
		if t.holes[i].seq == seq {
			t.holes = append(t.holes[:i], t.holes[i+1:]...)
			return
		}
	}
}

// Due appends to dst the sequence numbers to ask for now, and tells how many were given up. A packet is asked for again after every
// again (about a round trip).
func (t *Tracker) Due(dst []uint16, now, again time.Duration) (due []uint16, lost int) {
	kept := t.holes[:0]
	for _, h := range t.holes {
		if now-h.since > lifetime || h.tries == tries {
			lost++
			continue
		}
		if (h.tries == 0 && now-h.since >= patience) || (h.tries > 0 && now-h.asked >= again) {
			h.tries++
			h.asked = now
			dst = append(dst, uint16(h.seq))
		}
		kept = append(kept, h)
	}
	t.holes = kept
	return dst, lost
}

// Missing is the number of packets still hoped for.
func (t *Tracker) Missing() int { return len(t.holes) }

// Reset forgets everything, for a stream that begins anew.
func (t *Tracker) Reset() { *t = Tracker{holes: t.holes[:0]} }
