package signaling

import (
	"sync"
	"time"
)

// failures counts failed logins per account and address, so that guessing is
// slow and the owner, at another address, is not locked out.
type failures struct {
	most   int
	within time.Duration

	mu   sync.Mutex
	seen map[failureKey][]time.Time // the latest, at most `most`; guarded by mu
}

type failureKey struct{ account, address string }

// maxFailureKeys bounds the memory that guessing at many accounts can take.
const maxFailureKeys = 10_000

func newFailures(most int, within time.Duration) *failures {
	return &failures{most: most, within: within, seen: map[failureKey][]time.Time{}}
}

// wait returns how long the next attempt must wait; 0: not at all.
func (f *failures) wait(account, address string, now time.Time) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := f.seen[failureKey{account, address}]
	if len(at) < f.most {
		return 0
	}
	return max(0, at[0].Add(f.within).Sub(now))
}

// add counts a failed attempt.
func (f *failures) add(account, address string, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.seen) >= maxFailureKeys {
		f.forgetLocked(now)
	}
	k := failureKey{account, address}
	at := append(f.seen[k], now)
	f.seen[k] = at[max(0, len(at)-f.most):]
}

// forgetLocked drops what no longer counts, and everything where that is not enough.
func (f *failures) forgetLocked(now time.Time) {
	for k, at := range f.seen {
		if now.Sub(at[len(at)-1]) > f.within {
			delete(f.seen, k)
		}
	}
	if len(f.seen) >= maxFailureKeys {
		clear(f.seen)
	}
}
