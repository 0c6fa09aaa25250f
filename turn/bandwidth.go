package turn

import (
	"sync/atomic"
	"time"
)

// burst is how long a bucket may be emptied at once: key frames come in bursts.
const burst = 500 * time.Millisecond

// bucket is a token bucket in the form of the generic cell rate algorithm: one
// number, the time at which what has been let through would be paid for.
type bucket struct {
	perByte float64 // ns
	paid    atomic.Int64
}

func newBucket(bytesPerSecond int64) *bucket {
	return &bucket{perByte: float64(time.Second) / float64(bytesPerSecond)}
}

// take lets n bytes through, or not; now is in ns of a clock that only goes forward.
func (b *bucket) take(n int, now int64) bool {
	cost := int64(float64(n) * b.perByte)
	for {
		paid := b.paid.Load()
		if paid-now > int64(burst) {
			return false
		}
		if b.paid.CompareAndSwap(paid, max(paid, now)+cost) {
			return true
		}
	}
}
