// Package rtpclock relates a source's RTP timestamps to our own time, so that we can write sender reports of our own (RFC 3550 section 6.4.1)
// in which all streams of one source keep their relation.
package rtpclock

import "time"

// Offset is how far the clock of one source (a participant) lies behind ours, network delay included: one for all its streams, or
// sound and picture would drift apart. The zero value is ready.
type Offset struct {
	known bool
	value time.Duration
}

// Observe takes the wall clock of a sender report and the time it arrived here, both since 1970, and gives the offset to use. The smallest
// seen is kept, as the one with the least delay in it; it may rise slowly to follow drift.
func (o *Offset) Observe(sent, arrived time.Duration) time.Duration {
	d := arrived - sent
	switch {
	case !o.known || d < o.value || d > o.value+10*time.Second:
		o.known, o.value = true, d
	default:
		o.value += min((d-o.value)/64, time.Millisecond)
	}
	return o.value
}

// Clock gives the RTP timestamp of a stream at a moment. The zero value knows nothing yet.
type Clock struct {
	rate     uint32
	at       time.Duration
	stamp    uint32
	reported bool
}

// Packet notes a packet's timestamp and arrival; it counts only until the first report.
func (c *Clock) Packet(stamp uint32, arrived time.Duration, rate uint32) {
	if !c.reported {
		c.rate, c.at, c.stamp = rate, arrived, stamp
	}
}

// Report notes a sender report: at that moment (our time) the stream's clock showed stamp.
func (c *Clock) Report(stamp uint32, at time.Duration, rate uint32) {
	c.rate, c.at, c.stamp, c.reported = rate, at, stamp, true
}

// At is the timestamp at now; false while nothing is known.
func (c *Clock) At(now time.Duration) (uint32, bool) {
	if c.rate == 0 {
		return 0, false
	}
	return c.stamp + uint32(int64((now-c.at)/time.Microsecond)*int64(c.rate)/1_000_000), true
}

// secondsTo1970 is the distance of the NTP epoch (1900) from Unix's.
const secondsTo1970 = 2208988800

// NTP converts time since 1970 to the 64-bit format of sender reports.
func NTP(t time.Duration) uint64 {
	s, f := uint64(t/time.Second), uint64(t%time.Second)
	return (s+secondsTo1970)<<32 | f<<32/uint64(time.Second)
}

// FromNTP converts back; times before 1970 give 0.
func FromNTP(n uint64) time.Duration {
	s := n >> 32
	if s < secondsTo1970 {
		return 0
	}
	return time.Duration(s-secondsTo1970)*time.Second + time.Duration((n&0xffffffff)*uint64(time.Second)>>32)
}
