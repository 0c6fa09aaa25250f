// Package sentlog remembers the packets sent to one receiver by their transport-wide numbers and accounts what its feedback says
// of them (draft-holmer-rmcat-transport-wide-cc-extensions-01).
package sentlog

import "time"

const size = 4096

type entry struct {
	number uint16
	bytes  uint16
	used   bool
	at     time.Duration
}

// Log is the memory of one receiver. Times are durations since any fixed moment. Not safe for concurrent use.
type Log struct {
	entries   [size]entry
	windowed  time.Duration // start of the window being measured
	acked     int           // bytes in it
	delivered int
	lost      int
	total     Totals
}

// Totals is what was learned so far.
type Totals struct {
	Delivered uint64        // packets that arrived
	Lost      uint64        // packets reported missing
	Rate      int           // bits per second that arrived, over the last half second or more
	Loss      float64       // share lost in that time, 0 to 1
	RoundTrip time.Duration // of the latest feedback, including how long the receiver held it; 0 while unknown
}

// Sent notes a packet of that many bytes.
func (l *Log) Sent(number uint16, bytes int, now time.Duration) {
	l.entries[number%size] = entry{number: number, bytes: uint16(min(bytes, 1<<16-1)), used: true, at: now}
}

// Feedback takes one packet's fate. Each packet counts once, except that one reported missing may still arrive.
func (l *Log) Feedback(number uint16, arrived bool, now time.Duration) {
	e := &l.entries[number%size]
	if !e.used || e.number != number {
		return
	}
	if !arrived {
		l.lost++
		l.total.Lost++
		e.used = false
		return
	}
	e.used = false
	l.delivered++
	l.acked += int(e.bytes)
	l.total.Delivered++
	l.total.RoundTrip = now - e.at
}

// window is the least time a rate is measured over.
const window = 500 * time.Millisecond

// Done ends a feedback message: rates are renewed when their window is full, and it tells whether they were.
func (l *Log) Done(now time.Duration) bool {
	if l.windowed == 0 {
		l.windowed = now
	}
	span := now - l.windowed
	if span < window {
		return false
	}
	l.total.Rate = int(int64(l.acked) * 8 * int64(time.Second) / int64(span))
	l.total.Loss = 0
	if n := l.delivered + l.lost; n > 0 {
		l.total.Loss = float64(l.lost) / float64(n)
	}
	l.windowed, l.acked, l.delivered, l.lost = now, 0, 0, 0
	return true
}

// Totals gives what was learned so far.
func (l *Log) Totals() Totals { return l.total }
