// Package seqmap numbers what is sent on one outgoing stream so that it has no holes where we left packets out or changed the source,
// and keeps the holes that the network made, so that late packets find their place.
package seqmap

// Keep is how many runs of numbering are remembered for repair and late packets.
const Keep = 8

// run is a stretch of one source that was forwarded without our leaving anything out: out = src + delta.
type run struct {
	source      uint64
	tag         uint64
	first, last uint64 // source numbers, inclusive
	delta       uint64 // modulo 2^64
}

// Map translates extended sequence numbers of sources into those of one outgoing stream. Not safe for concurrent use.
type Map struct {
	runs        []run  // oldest first; the last is the current one if open
	open        bool   // the last run may still grow
	next        uint64 // the next unused outgoing number
	source, tag uint64 // of the next run
}

// New makes a map whose first outgoing number is first, counted from 2^16 so that it can be unwrapped downwards too.
func New(first uint16) *Map {
	return &Map{runs: make([]run, 0, Keep), next: 1<<16 + uint64(first)}
}

// Cut ends the current run: the next packet forwarded follows the last one sent directly. It is of that source, and begins a run
// that tag stands for. Of the runs only the latest Keep are remembered.
func (m *Map) Cut(source, tag uint64) { m.open, m.source, m.tag = false, source, tag }

// Forward gives the outgoing number of a packet of the current source, and the tag of its run; false for one that precedes
// everything sent, or falls in a stretch that was left out.
func (m *Map) Forward(src uint64) (out, tag uint64, ok bool) {
	if !m.open {
		m.begin(src)
	}
	cur := &m.runs[len(m.runs)-1]
	if src >= cur.first {
		cur.last = max(cur.last, src)
		out := src + cur.delta
		m.next = max(m.next, out+1)
		return out, cur.tag, true
	}
	for _, r := range m.runs[:len(m.runs)-1] {
		if r.source == cur.source && src >= r.first && src <= r.last {
			return src + r.delta, r.tag, true
		}
	}
	return 0, 0, false
}

func (m *Map) begin(src uint64) {
	if len(m.runs) == Keep {
		copy(m.runs, m.runs[1:])
		m.runs = m.runs[:Keep-1]
	}
	m.runs = append(m.runs, run{source: m.source, tag: m.tag, first: src, last: src, delta: m.next - src})
	m.open = true
}

// Reverse gives the source's number of an outgoing one as the receiver names it, and the tag of its run; false if it was never sent
// or is forgotten.
func (m *Map) Reverse(out uint16) (src, tag uint64, ok bool) {
	full := m.next - 1 - uint64(uint16(m.next-1)-out)
	for i := len(m.runs) - 1; i >= 0; i-- {
		r := m.runs[i]
		if src := full - r.delta; src >= r.first && src <= r.last {
			return src, r.tag, true
		}
	}
	return 0, 0, false
}

// Unwrapper extends 16-bit sequence numbers. The zero value is ready.
type Unwrapper struct {
	started bool
	highest uint64
}

// Extend gives the extended number closest to the highest seen. The first one is counted from 2^32, so that earlier ones exist.
func (u *Unwrapper) Extend(seq uint16) uint64 {
	if !u.started {
		u.started = true
		u.highest = 1<<32 + uint64(seq)
	}
	n := u.Near(seq)
	u.highest = max(u.highest, n)
	return n
}

// Near is Extend without remembering: for numbers that come from elsewhere, as in a retransmission.
func (u *Unwrapper) Near(seq uint16) uint64 {
	return u.highest + uint64(int64(int16(seq-uint16(u.highest))))
}

// Highest is the largest number extended so far, and whether there was any.
func (u *Unwrapper) Highest() (uint64, bool) { return u.highest, u.started }
