package port

import (
	"sync"
	"time"
)

// deadline is a time after which waiting is over. Its zero value never passes.
type deadline struct {
	mu     sync.Mutex
	timer  *time.Timer   // guarded by mu; nil: none is set
	passed chan struct{} // guarded by mu; closed once the time has come
}

// expired is a channel that is closed when the deadline passes; one that was asked for before a deadline was set or moved follows it.
func (d *deadline) expired() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.channelLocked()
}

func (d *deadline) channelLocked() chan struct{} {
	if d.passed == nil {
		d.passed = make(chan struct{})
	}
	return d.passed
}

// set moves the deadline; a zero time is never.
func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	passed := d.channelLocked()
	select {
	case <-passed: // those who waited are gone
		passed = make(chan struct{})
		d.passed = passed
	default:
	}
	switch left := time.Until(t); {
	case t.IsZero():
	case left <= 0:
		close(passed)
	default:
		var timer *time.Timer
		timer = time.AfterFunc(left, func() {
			d.mu.Lock()
			defer d.mu.Unlock()
			if d.timer == timer {
				close(passed)
				d.timer = nil
			}
		})
		d.timer = timer
	}
}
