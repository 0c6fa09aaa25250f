package sentlog

import "time"

const (
	tooMuch   = 0.3             // share lost that says the path is over full: repair only adds to it
	calm      = 0.05            // share lost that says it is not
	shortest  = time.Second     // first pause
	longest   = 8 * time.Second // pauses double up to this
	lookAgain = window          // after a pause, old losses are still being reported
)

// Brake decides when to send nothing but sound for a while, so that sound gets through. The zero value is ready. Not safe for concurrent use.
type Brake struct {
	hold  time.Duration // the pause before
	until time.Duration // end of the pause, 0 for none so far
}

// Observe takes the share lost lately and tells whether a pause begins.
func (b *Brake) Observe(loss float64, now time.Duration) bool {
	if b.Holds(now) || (b.until > 0 && now < b.until+lookAgain) {
		return false
	}
	if loss < calm {
		b.hold = 0
	}
	if loss < tooMuch {
		return false
	}
	b.hold = min(max(2*b.hold, shortest), longest)
	b.until = now + b.hold
	return true
}

// Holds tells whether there is a pause now.
func (b *Brake) Holds(now time.Duration) bool { return now < b.until }
