// Package reception counts what arrived of a stream, for receiver reports (RFC 3550 section 6.4 and appendices A.3 and A.8).
package reception

import "time"

// Stats follows one stream. Times are durations since any fixed moment. Not safe for concurrent use.
type Stats struct {
	started       bool
	base, highest uint64
	received      uint64
	expectedPrior uint64
	receivedPrior uint64
	transit       int64   // of the packet before, in timestamp units
	jitter        float64 // in timestamp units
}

// Report is a reception report's content.
type Report struct {
	Fraction uint8  // lost since the report before, in 1/256
	Lost     uint32 // lost in all, at most 2^23-1
	Highest  uint32 // extended highest sequence number
	Jitter   uint32 // in timestamp units
}

// Received notes a packet that arrived at now on a stream of that clock rate.
func (s *Stats) Received(seq uint64, timestamp uint32, now time.Duration, rate uint32) {
	if !s.started {
		*s = Stats{started: true, base: seq, highest: seq}
	}
	s.received++
	s.base = min(s.base, seq)
	newest := seq >= s.highest
	s.highest = max(s.highest, seq)
	arrival := int64(now/time.Microsecond) * int64(rate) / 1_000_000
	transit := int64(int32(uint32(arrival) - timestamp))
	if s.received > 1 && newest {
		d := int64(int32(uint32(transit) - uint32(s.transit)))
		s.jitter += (float64(max(d, -d)) - s.jitter) / 16
	}
	s.transit = transit
}

// Repaired notes a packet that came by retransmission: it counts as received but says nothing of the jitter.
func (s *Stats) Repaired() { s.received++ }

// Report makes a report and begins the next interval; false as long as nothing has arrived.
func (s *Stats) Report() (Report, bool) {
	if !s.started {
		return Report{}, false
	}
	expected := s.highest - s.base + 1
	lost := int64(expected) - int64(s.received)
	interval := int64(expected - s.expectedPrior)
	lostInterval := interval - int64(s.received-s.receivedPrior)
	s.expectedPrior, s.receivedPrior = expected, s.received
	r := Report{Lost: uint32(min(max(lost, 0), 1<<23-1)), Highest: uint32(s.highest), Jitter: uint32(s.jitter)}
	if interval > 0 && lostInterval > 0 {
		r.Fraction = uint8(min(lostInterval<<8/interval, 255))
	}
	return r, true
}
