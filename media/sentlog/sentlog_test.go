package sentlog

import (
	"testing"
	"time"
)

const ms = time.Millisecond

func TestAccounts(t *testing.T) {
	var l Log
	l.Done(1 * ms)
	for i := range uint16(100) {
		l.Sent(65500+i, 1000, time.Duration(i)*5*ms)
	}
	for i := range uint16(100) {
		l.Feedback(65500+i, i%10 != 0, 520*ms)
	}
	l.Feedback(65501, true, 520*ms) // twice
	l.Feedback(777, true, 520*ms)   // never sent
	l.Done(501 * ms)
	got := l.Totals()
	if got.Delivered != 90 || got.Lost != 10 || got.Loss != 0.1 || got.Rate != 90*1000*8*2 || got.RoundTrip != 25*ms {
		t.Fatalf("%+v", got)
	}
	l.Done(600 * ms) // the window is not full: nothing changes
	if l.Totals().Rate != got.Rate {
		t.Fatal("a rate over too short a time")
	}
	l.Done(1200 * ms)
	if l.Totals().Rate != 0 || l.Totals().Loss != 0 {
		t.Fatal("silence must show")
	}
}

func TestOverwrittenIsForgotten(t *testing.T) {
	var l Log
	l.Sent(1, 10, 0)
	l.Sent(1+size, 10, 0)
	l.Feedback(1, true, 0)
	if l.Totals().Delivered != 0 {
		t.Fatal("feedback for a packet that was overwritten")
	}
}

func TestBrake(t *testing.T) {
	var b Brake
	step := func(at time.Duration, loss float64, begins, holds bool) {
		t.Helper()
		if got := b.Observe(loss, at); got != begins {
			t.Errorf("at %v: begins %v", at, got)
		}
		if got := b.Holds(at); got != holds {
			t.Errorf("at %v: holds %v", at, got)
		}
	}
	const s = time.Second
	step(10*s, 0.1, false, false)
	step(11*s, 0.4, true, true)
	step(11*s+900*ms, 0.9, false, true)
	step(12*s+100*ms, 0.9, false, false) // still about what was sent before
	step(13*s, 0.4, true, true)          // two seconds now
	step(14*s+900*ms, 0.4, false, true)
	step(16*s, 0, false, false) // calm: begin anew
	step(17*s, 0.5, true, true)
	step(18*s+100*ms, 0, false, false)
	for at := 20 * s; at < 200*s; at += 10 * s {
		b.Observe(1, at)
	}
	if b.hold != longest {
		t.Errorf("pauses of %v", b.hold)
	}
}
