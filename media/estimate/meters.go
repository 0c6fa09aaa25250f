package estimate

import "time"

// meter measures what arrives, by the receiver's clock.
type meter struct {
	rate        int // bits per second
	bytes       int
	first, last time.Duration
	begun       bool
}

const meterWindow = 250 * time.Millisecond

func (m *meter) add(bytes int, arrived time.Duration) {
	if !m.begun || arrived < m.first-time.Second {
		m.begun, m.first, m.last, m.bytes = true, arrived, arrived, 0
		return // what came before the first is not known
	}
	m.bytes += bytes
	m.last = max(m.last, arrived)
	if span := m.last - m.first; span >= meterWindow {
		m.rate = bitsPerSecond(m.bytes, span)
		m.first, m.bytes = m.last, 0
	}
}

func bitsPerSecond(bytes int, span time.Duration) int {
	return int(int64(bytes) * 8 * int64(time.Second) / int64(span))
}

// delays follows the delay of packets, of which only the changes are known, as the clocks differ.
type delays struct {
	known        bool
	older, newer time.Duration // least of the window before and of this one
	turned       time.Duration // when this one began, sender's time

	batch time.Duration // least of this feedback message: a packet may be late for other reasons than a queue
	count int
	queue time.Duration // of the message before
	over  time.Duration // since when it was full; 0: it is not

	told  time.Duration // queue when full was last told
	stuck int           // times it was told since without the queue's getting shorter
}

func (d *delays) add(delay time.Duration) {
	if d.count == 0 || delay < d.batch {
		d.batch = delay
	}
	d.count++
}

// full ends a feedback message, and tells whether a queue fills.
func (d *delays) full(now time.Duration) bool {
	if d.count == 0 {
		return false
	}
	d.count = 0
	if !d.known {
		d.known, d.older, d.newer, d.turned = true, d.batch, d.batch, now
	}
	if now-d.turned > baseWindow {
		d.older, d.newer, d.turned = d.newer, d.batch, now
	}
	d.newer = min(d.newer, d.batch)
	before := d.queue
	d.queue = d.batch - min(d.older, d.newer)
	if d.queue < fullQueue || d.queue < before*9/10 { // or it drains
		d.over = 0
		d.stuck = 0
		return false
	}
	if d.over == 0 {
		d.over = now
	}
	return now-d.over >= persistent && !d.others()
}

// others tells whether the queue does not get shorter whatever we do: then it is not ours, or the way has become longer. It is taken for how
// things are.
func (d *delays) others() bool {
	if d.queue > d.told*9/10 {
		d.stuck++
	}
	d.told = d.queue
	if d.stuck < 3 {
		return false
	}
	d.stuck, d.told, d.older, d.newer = 0, 0, d.batch, d.batch
	return true
}

// rising tells whether there is a queue, if not a full one.
func (d *delays) rising() bool { return d.queue > fullQueue/3 }

// restart forgets the queue: that of now is to drain first.
func (d *delays) restart() { d.count, d.over = 0, 0 }

// verdict is what a share lost means.
type verdict int

const (
	fine      verdict = iota
	congested         // the rate is too high
	heavy             // by far
	inherent          // it is no smaller at a lower rate
)

// usualMost bounds what is taken for a loss that has nothing to do with the rate.
const usualMost = 0.3

// lossMeter follows the share lost.
type lossMeter struct {
	share   float64 // lately
	usual   float64 // what is lost at any rate
	sending int     // bits per second, lately

	received, lost, bytes int
	since                 time.Duration

	fallen bool    // the rate fell for loss
	then   float64 // share lost when it did first, and the rates before
	was    int     // sent
	before int     // estimated
}

// judge looks at the window, if it is full.
func (l *lossMeter) judge(now time.Duration) verdict {
	if l.since == 0 {
		l.since = now
	}
	n, span := l.received+l.lost, now-l.since
	share := float64(l.lost) / float64(max(n, 1))
	quick := span >= heavyWindow && n >= lossPackets && share > l.usual+heavyLoss
	if !quick && (span < lossWindow || n < lossPackets) {
		return fine
	}
	l.share, l.sending = share, bitsPerSecond(l.bytes, span)
	l.reset(now)
	if share <= l.usual+someLoss {
		l.usual = min(0.9*l.usual+0.1*share, usualMost)
		l.fallen = false
		return fine
	}
	if l.fallen && l.sending < l.was*85/100 && share > l.then*7/10 {
		l.fallen, l.usual = false, min(share, usualMost)
		return inherent
	}
	if share > l.usual+heavyLoss {
		return heavy
	}
	return congested
}

// fell notes that the rate falls for what judge said.
func (l *lossMeter) fell(rate int) {
	if !l.fallen {
		l.fallen, l.then, l.was, l.before = true, l.share, l.sending, rate
		if rate == 0 {
			l.before = l.sending
		}
	}
}

func (l *lossMeter) reset(now time.Duration) {
	l.received, l.lost, l.bytes, l.since = 0, 0, 0, now
}
