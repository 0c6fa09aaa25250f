// Package sentlog remembers the packets sent to one receiver by their transport-wide numbers until its feedback speaks of them
// (draft-holmer-rmcat-transport-wide-cc-extensions-01).
package sentlog

import "time"

// A log begins with room for the packets of a second or so of an ordinary call, and grows where feedback comes later or more is sent.
const (
	least = 256
	most  = 4096
	young = 2 * time.Second // a packet that old will hardly be spoken of any more
)

// entry is a packet; it has no bytes if there is none.
type entry struct {
	at     uint32 // microseconds, the lower 32 bits
	number uint16
	bytes  uint16
}

// Log is the memory of one receiver. The zero value is ready. Times are durations since any fixed moment. Not safe for concurrent use.
type Log struct {
	entries []entry // a power of two of them, each in the place that its number tells
	latest  time.Duration
}

// Sent notes a packet of that many bytes, more than none.
func (l *Log) Sent(number uint16, bytes int, now time.Duration) {
	l.latest = now
	e := l.place(number)
	for e != nil && e.bytes != 0 && e.number != number && len(l.entries) < most && now-l.time(e) < young {
		l.grow()
		e = l.place(number)
	}
	if e == nil {
		l.entries = make([]entry, least)
		e = l.place(number)
	}
	*e = entry{number: number, bytes: uint16(min(bytes, 1<<16-1)), at: uint32(now / time.Microsecond)}
}

// Take gives a packet's size and when it was sent, to a microsecond, once; false for one that is not known (any more).
func (l *Log) Take(number uint16) (bytes int, sent time.Duration, ok bool) {
	e := l.place(number)
	if e == nil || e.bytes == 0 || e.number != number {
		return 0, 0, false
	}
	bytes, sent = int(e.bytes), l.time(e)
	e.bytes = 0
	return bytes, sent, true
}

func (l *Log) place(number uint16) *entry {
	if len(l.entries) == 0 {
		return nil
	}
	return &l.entries[int(number)%len(l.entries)]
}

// time is when a packet was sent: at most an hour before the latest.
func (l *Log) time(e *entry) time.Duration {
	age := uint32(l.latest/time.Microsecond) - e.at
	return l.latest.Truncate(time.Microsecond) - time.Duration(age)*time.Microsecond
}

func (l *Log) grow() {
	before := l.entries
	l.entries = make([]entry, 2*len(before))
	for _, e := range before {
		if e.bytes != 0 {
			*l.place(e.number) = e
		}
	}
}
