package sentlog

import (
	"testing"
	"time"
)

func TestEachPacketIsTakenOnce(t *testing.T) {
	var l Log
	begin := 2 * time.Hour // beyond what 32 bits of microseconds hold
	sent := func(i uint16) time.Duration { return begin + time.Duration(i)*time.Millisecond }
	for i := range uint16(100) {
		l.Sent(65500+i, 1000+int(i), sent(i)+999)
	}
	for i := range uint16(100) {
		if bytes, at, ok := l.Take(65500 + i); !ok || bytes != 1000+int(i) || at != sent(i) {
			t.Fatalf("%d: %d bytes at %v, %v", i, bytes, at, ok)
		}
		if _, _, ok := l.Take(65500 + i); ok {
			t.Fatal("taken twice")
		}
	}
	if _, _, ok := l.Take(777); ok {
		t.Fatal("taken, and never sent")
	}
	if _, _, ok := new(Log).Take(0); ok {
		t.Fatal("taken from nothing")
	}
}

func TestOverwrittenIsForgotten(t *testing.T) {
	var l Log
	for i := range most + 1 {
		l.Sent(uint16(i), 10+i, 0)
	}
	if _, _, ok := l.Take(0); ok {
		t.Fatal("a packet that was overwritten")
	}
	if bytes, _, ok := l.Take(most); !ok || bytes != 10+most {
		t.Fatal(bytes, ok)
	}
	l.Sent(1, 1<<20, 0)
	if bytes, _, ok := l.Take(1); !ok || bytes != 1<<16-1 {
		t.Fatal(bytes, ok)
	}
}

// Who hears soon, or not at all for long, needs little room; nobody needs more than there may be.
func TestItIsAsLargeAsNeedBe(t *testing.T) {
	for name, c := range map[string]struct {
		behind int           // packets that feedback comes later
		every  time.Duration // between packets
		want   int
	}{
		"feedback soon":  {100, 5 * time.Millisecond, least},
		"feedback late":  {1000, time.Millisecond, 1024},
		"never, slow":    {1 << 20, 20 * time.Millisecond, least},
		"never, at once": {1 << 20, 0, most},
	} {
		var l Log
		for i := range 20_000 {
			now := time.Duration(i) * c.every
			l.Sent(uint16(i), 100, now)
			if i < c.behind {
				continue
			}
			if _, at, ok := l.Take(uint16(i - c.behind)); !ok || at != now-time.Duration(c.behind)*c.every {
				t.Fatalf("%s: packet %d: %v, %t", name, i, at, ok)
			}
		}
		if len(l.entries) != c.want {
			t.Errorf("%s: room for %d, not %d", name, len(l.entries), c.want)
		}
	}
}
