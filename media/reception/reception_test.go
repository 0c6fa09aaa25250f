package reception

import (
	"testing"
	"time"
)

const ms = time.Millisecond

func TestLossAndHighest(t *testing.T) {
	var s Stats
	if _, ok := s.Report(); ok {
		t.Fatal("a report about nothing")
	}
	for _, seq := range []uint64{1000, 1001, 1003} {
		s.Received(seq, uint32(seq), 0, 90000)
	}
	r, ok := s.Report()
	if !ok || r.Lost != 1 || r.Highest != 1003 || r.Fraction != 64 {
		t.Fatalf("%+v", r)
	}
	s.Repaired()
	s.Received(1004, 1004, 0, 90000)
	if r, _ = s.Report(); r.Lost != 0 || r.Fraction != 0 || r.Highest != 1004 {
		t.Fatalf("after a repair: %+v", r)
	}
	for range 5 {
		s.Repaired() // duplicates: never a negative loss
	}
	s.Received(2000, 2000, 0, 90000)
	if r, _ = s.Report(); r.Lost != 990 || r.Fraction != 254 {
		t.Fatalf("%+v", r)
	}
}

func TestJitter(t *testing.T) {
	var even, uneven Stats
	for i := range 200 {
		ts, at := uint32(i*960), time.Duration(i)*20*ms
		even.Received(uint64(i), ts, at, 48000)
		uneven.Received(uint64(i), ts, at+time.Duration(i%2)*10*ms, 48000)
	}
	a, _ := even.Report()
	b, _ := uneven.Report()
	if a.Jitter > 1 {
		t.Errorf("an even stream has jitter %d", a.Jitter)
	}
	if b.Jitter < 470 || b.Jitter > 490 { // 10 ms of a 48 kHz clock
		t.Errorf("jitter %d, want about 480", b.Jitter)
	}
}

func TestTimestampWrap(t *testing.T) {
	var s Stats
	start := ^uint32(0) - 5*960
	for i := range 50 {
		s.Received(uint64(i), start+uint32(i*960), time.Duration(i)*20*ms, 48000)
	}
	if r, _ := s.Report(); r.Jitter > 1 {
		t.Fatalf("jitter %d across the wrap", r.Jitter)
	}
}
