package rtpclock

import (
	"testing"
	"time"
)

func TestClock(t *testing.T) {
	var c Clock
	if _, ok := c.At(0); ok {
		t.Fatal("knows the time out of nothing")
	}
	c.Packet(1000, time.Second, 90000)
	if got, _ := c.At(1100 * time.Millisecond); got != 1000+9000 {
		t.Fatalf("from a packet: %d", got)
	}
	c.Report(5000, 2*time.Second, 90000)
	c.Packet(1, 2*time.Second, 90000)
	if got, _ := c.At(1900 * time.Millisecond); int32(got) != 5000-9000 {
		t.Fatalf("from a report, backwards: %d", got)
	}
}

func TestOffsetKeepsTheLeastDelay(t *testing.T) {
	var o Offset
	if got := o.Observe(100*time.Second, 105*time.Second); got != 5*time.Second {
		t.Fatal(got)
	}
	if got := o.Observe(101*time.Second, 105*time.Second); got != 4*time.Second {
		t.Fatal(got)
	}
	if got := o.Observe(102*time.Second, 106*time.Second+64*time.Millisecond); got != 4*time.Second+time.Millisecond {
		t.Fatal("a delayed report may move the offset only a little:", got)
	}
	if got := o.Observe(0, 60*time.Second); got != 60*time.Second {
		t.Fatal("a clock that was set must be followed:", got)
	}
}

func TestNTP(t *testing.T) {
	now := 1_800_000_000*time.Second + 250*time.Millisecond
	if n := NTP(now); n>>32 != 1_800_000_000+secondsTo1970 || n&0xffffffff != 1<<30 {
		t.Fatalf("%x", n)
	}
	if d := FromNTP(NTP(now)) - now; d < -1 || d > 1 {
		t.Fatal("there and back:", d)
	}
	if FromNTP(5) != 0 {
		t.Fatal("before 1970")
	}
}
