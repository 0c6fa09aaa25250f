// Package sentlog remembers the packets sent to one receiver by their transport-wide numbers until its feedback speaks of them
// (draft-holmer-rmcat-transport-wide-cc-extensions-01).
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
	entries [size]entry
}

// Sent notes a packet of that many bytes.
func (l *Log) Sent(number uint16, bytes int, now time.Duration) {
	l.entries[number%size] = entry{number: number, bytes: uint16(min(bytes, 1<<16-1)), used: true, at: now}
}

// Take gives a packet's size and when it was sent, once; false for one that is not known (any more).
func (l *Log) Take(number uint16) (bytes int, sent time.Duration, ok bool) {
	e := &l.entries[number%size]
	if !e.used || e.number != number {
		return 0, 0, false
	}
	e.used = false
	return int(e.bytes), e.at, true
}
