package gaps

import (
	"slices"
	"testing"
	"time"
)

const ms = time.Millisecond

func TestAsksForWhatIsMissing(t *testing.T) {
	var g Tracker
	g.Received(100, 0)
	g.Received(104, 0)
	g.Received(102, ms)
	if due, lost := g.Due(nil, ms, 50*ms); len(due) != 0 || lost != 0 {
		t.Fatalf("asked for packets that may merely be late: %v", due)
	}
	if due, _ := g.Due(nil, 5*ms, 50*ms); !slices.Equal(due, []uint16{101, 103}) {
		t.Fatalf("due %v", due)
	}
	g.Received(101, 6*ms)
	if due, _ := g.Due(nil, 30*ms, 50*ms); len(due) != 0 {
		t.Fatalf("asked again too early: %v", due)
	}
	if due, _ := g.Due(nil, 60*ms, 50*ms); !slices.Equal(due, []uint16{103}) {
		t.Fatalf("due %v", due)
	}
	g.Received(90, 61*ms) // older than everything: nothing to fill
	if g.Missing() != 1 {
		t.Fatalf("missing %d", g.Missing())
	}
}

func TestGivesUp(t *testing.T) {
	var g Tracker
	g.Received(1, 0)
	g.Received(3, 0)
	asked := 0
	for now := time.Duration(0); now < 200*ms; now += 10 * ms {
		due, lost := g.Due(nil, now, 10*ms)
		asked += len(due)
		if lost > 0 {
			break
		}
	}
	if asked != tries || g.Missing() != 0 {
		t.Fatalf("asked %d times, %d missing", asked, g.Missing())
	}
	g.Received(5, 0)
	if _, lost := g.Due(nil, time.Second, 10*ms); lost != 1 {
		t.Fatal("what is too old was not given up")
	}
}

func TestTooManyAtOnce(t *testing.T) {
	var g Tracker
	g.Received(1, 0)
	if g.Received(2+limit+1, 0) || g.Missing() != 0 {
		t.Fatal("a huge gap must be forgotten")
	}
	g.Received(2+limit+3, 0)
	g.Reset()
	if g.Missing() != 0 || !g.Received(7, 0) || g.Missing() != 0 {
		t.Fatal("Reset did not begin anew")
	}
}
