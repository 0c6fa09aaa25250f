package estimate

import "time"

const (
	probeLength  = 80 * time.Millisecond // of padding: what it puts into a queue delays sound for a moment
	probeWait    = time.Second           // for the feedback
	probeSoonest = time.Second           // after the estimate fell, or the probe before
	probeLatest  = 6 * time.Second       // between probes while they fail
	probeMost    = 3                     // times the estimate
	probeAbove   = 1.1                   // times what is wanted
	probeGood    = 0.85                  // of what was sent
	probeCareful = 0.9                   // of what arrived of a probe that failed
	probePackets = 8                     // tell too little if fewer arrive
	trustedAfter = 5 * time.Second       // a success that did not lead to a fall for so long was true: short bursts get through anywhere
)

// prober finds out whether more gets through than is being sent.
type prober struct {
	pause time.Duration // before the next one, if this fails
	next  time.Duration // when the next may begin
	won   time.Duration // when the latest that succeeded ended, 0 for none

	running, waiting, past bool // padding is sent; feedback is awaited; it speaks of what was sent after the probe
	goal                   int
	from, to               time.Duration // of the packets sent in it
	pace                   time.Duration // between the calls of step

	first, last    time.Duration // arrival
	bytes          int
	count, missing int
}

// step begins, continues or ends a probe, and gives how much padding to send.
func (p *prober) step(want, rate, arriving int, now, pace time.Duration) int {
	if p.running && now-p.from >= probeLength {
		p.running, p.waiting, p.to = false, true, now
	}
	if !p.running {
		if p.waiting || want <= rate || now < p.next {
			return 0
		}
		*p = prober{pause: p.pause, next: p.next, won: p.won, running: true, from: now, to: now + probeLength + probeWait, pace: pace}
		p.goal = min(int(probeAbove*float64(want)), probeMost*rate)
	}
	return max(p.goal-min(arriving, rate), p.goal/2) / 8 * int(pace/time.Millisecond) / 1000
}

func (p *prober) within(sent time.Duration) bool {
	if !p.running && !p.waiting || sent < p.from {
		return false
	}
	p.past = p.past || sent >= p.to
	return sent < p.to
}

// received takes a packet that arrived, and tells whether it was part of a probe.
func (p *prober) received(bytes int, sent, arrived time.Duration) bool {
	if !p.within(sent) {
		return false
	}
	if p.count == 0 {
		p.first, p.last = arrived, arrived
	}
	p.first, p.last = min(p.first, arrived), max(p.last, arrived)
	p.bytes += bytes
	p.count++
	return true
}

// lost is received for one that did not.
func (p *prober) lost(sent time.Duration) bool {
	if !p.within(sent) {
		return false
	}
	p.missing++
	return true
}

// done judges a probe when its feedback is there: the rate that gets through for sure. usual is the share that is lost anyway.
func (p *prober) done(now time.Duration, usual float64) (rate int, ok bool) {
	if !p.waiting || (!p.past && now-p.to < probeWait) {
		return 0, false
	}
	p.waiting = false
	measured := bitsPerSecond(p.bytes, max(p.last-p.first+p.pace, p.to-p.from))
	whole := float64(p.missing) <= (usual+someLoss)*float64(p.count+p.missing)
	if p.count >= probePackets && whole && measured >= int(probeGood*float64(p.goal)) {
		p.won, p.next = now, now+probeSoonest
		return max(min(measured, p.goal), int(float64(p.goal)/probeAbove)+1), true
	}
	p.wait(now)
	return int(probeCareful * float64(measured)), p.count >= probePackets
}

// fell notes that the estimate fell.
func (p *prober) fell(now time.Duration) {
	p.running, p.waiting = false, false
	if p.won != 0 && now-p.won > trustedAfter {
		p.pause = 0
	}
	p.wait(now)
}

func (p *prober) wait(now time.Duration) {
	p.pause = min(max(2*p.pause, probeSoonest), probeLatest)
	p.next = now + p.pause
}
