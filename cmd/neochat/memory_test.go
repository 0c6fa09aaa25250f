package main

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestHeapMayGrowByTheSlackOrByAsMuchAgain(t *testing.T) {
	for _, c := range []struct {
		live    uint64
		percent int
	}{{0, 6400}, {1 << 20, 6400}, {8 << 20, 800}, {64 << 20, 100}, {1 << 30, 100}} {
		if got := growth(c.live); got != c.percent {
			t.Errorf("with %d bytes in use %d %%, want %d", c.live, got, c.percent)
		}
	}
}

// After every collection the share is set anew, by what is in use then.
func TestSlackFollowsWhatIsInUse(t *testing.T) {
	t.Setenv("GOGC", "")
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	tendMemory(t.Context())
	held := make([][]byte, 200)
	for i := range held {
		held[i] = make([]byte, 1<<20)
	}
	for range 1000 { // cleanups run after the collection, on a goroutine of their own
		runtime.GC()
		if percent := debug.SetGCPercent(100); percent == 100 {
			runtime.KeepAlive(held)
			return
		} else {
			debug.SetGCPercent(percent)
		}
	}
	t.Error("the share stayed what it was")
}
