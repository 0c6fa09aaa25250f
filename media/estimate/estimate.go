// Package estimate judges how much reaches one receiver, in bits per second, from what its transport-wide feedback says of the packets
// sent to it: their delay tells of queues that fill, their loss of queues that are full or, where it does not fall with the rate, of a bad
// radio. What more would get through it finds out by probes, which the caller sends.
package estimate

import "time"

// Cause is why the estimate fell last.
type Cause int

// The causes there are.
const (
	None  Cause = iota
	Delay       // packets queued up on the way
	Loss        // they got lost there
)

const (
	fullQueue  = 100 * time.Millisecond // delay above the least that says a queue fills
	persistent = 150 * time.Millisecond // how long that must last
	baseWindow = 10 * time.Second       // the least delay is that of one to two of these

	drain = 500 * time.Millisecond // after the rate fell, the queue's time to get shorter

	lossWindow  = 500 * time.Millisecond // share lost is judged over so long, and so many packets
	lossPackets = 20
	heavyWindow = 200 * time.Millisecond // sooner where it is
	heavyLoss   = 0.3
	someLoss    = 0.1 // more than what is always lost

	keep   = 0.85 // of what arrives, after a queue filled: it is to drain
	growth = 1.08 // in a second, while the estimate is in use
	least  = 30_000
	most   = 100_000_000
)

// Estimator follows one receiver. The zero value is ready, and knows no limit. Times are durations since any fixed moment; those at which
// packets arrived are of the receiver's clock. Not safe for concurrent use.
type Estimator struct {
	rate  int // bits per second; 0: nothing spoke against any rate
	cause Cause
	cut   time.Duration // when the rate fell last; of packets sent before nothing is learned about the rate of now
	grown time.Duration // when it was last let grow

	delay    delays
	arriving meter
	losses   lossMeter
	prober   prober
}

// Received takes a packet that arrived.
func (e *Estimator) Received(bytes int, sent, arrived time.Duration) {
	e.arriving.add(bytes, arrived)
	if e.prober.received(bytes, sent, arrived) {
		return // what a probe does to the queue says nothing of the rate
	}
	e.losses.received++
	e.losses.bytes += bytes
	if sent >= e.cut {
		e.delay.add(arrived - sent)
	}
}

// Lost takes a packet that did not, or not yet.
func (e *Estimator) Lost(bytes int, sent time.Duration) {
	if sent < e.cut || e.prober.lost(sent) {
		return
	}
	e.losses.lost++
	e.losses.bytes += bytes
}

// Done ends a feedback message; now is the time at the sender.
func (e *Estimator) Done(now time.Duration) {
	if now-e.cut >= drain && e.delay.full(now) {
		e.fall(int(keep*float64(e.arriving.rate)), Delay, now)
	}
	e.judgeLoss(now)
	if rate, ok := e.prober.done(now, e.losses.usual); ok && e.rate != 0 {
		e.rate = min(max(e.rate, rate), most)
	}
	e.grow(now)
}

func (e *Estimator) judgeLoss(now time.Duration) {
	switch verdict := e.losses.judge(now); verdict {
	case heavy:
		e.fall(int(0.95*float64(e.arriving.rate)), Loss, now)
	case congested:
		e.fall(max(int(float64(e.losses.sending)*(1-e.losses.share/2)), e.arriving.rate), Loss, now)
	case inherent:
		e.rate = max(e.rate, e.losses.before) // it was not our doing
	}
}

// fall lowers the estimate.
func (e *Estimator) fall(rate int, cause Cause, now time.Duration) {
	if e.arriving.rate == 0 {
		return // too early
	}
	if e.rate != 0 {
		rate = min(rate, e.rate)
	}
	if cause == Loss {
		e.losses.fell(e.rate)
	} else {
		e.losses.reset(now)
	}
	e.rate, e.cause, e.cut, e.grown = max(rate, least), cause, now, now
	e.delay.restart()
	e.prober.fell(now)
}

// grow lets the estimate rise slowly while it is made use of.
func (e *Estimator) grow(now time.Duration) {
	passed := now - e.grown
	if passed < 100*time.Millisecond {
		return
	}
	e.grown = now
	if e.rate == 0 || now-e.cut < time.Second || e.arriving.rate < e.rate*6/10 || e.delay.rising() {
		return
	}
	more := float64(e.rate) * (growth - 1) * min(passed.Seconds(), 1)
	e.rate = min(e.rate+int(more), max(e.rate, 3*e.arriving.rate/2), most)
}

// Rate is the estimate, 0 while nothing spoke against any rate.
func (e *Estimator) Rate() int { return e.rate }

// Cause is why it fell last.
func (e *Estimator) Cause() Cause { return e.cause }

// Arriving is how much arrived lately, in bits per second.
func (e *Estimator) Arriving() int { return e.arriving.rate }

// Share is the share of packets lost lately, 0 to 1.
func (e *Estimator) Share() float64 { return e.losses.share }

// Want says what rate would be of use, 0 for no more than now, and gives how many bytes of padding to send now to find out whether it gets
// through, mostly none. It is to be called every so often (step).
func (e *Estimator) Want(rate int, now, step time.Duration) (padding int) {
	if e.rate == 0 {
		return 0
	}
	return e.prober.step(rate, e.rate, e.arriving.rate, now, step)
}
