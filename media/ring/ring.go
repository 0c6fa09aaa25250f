// Package ring keeps the latest packets of one stream, found by sequence number (for repair) and by order of arrival (for forwarding).
package ring

import "sync"

// Packet is one media packet, header and payload taken apart.
type Packet struct {
	Seq      uint64 // extended sequence number, as counted by the receiver
	Time     uint32 // RTP timestamp of the source
	Epoch    uint32 // rises whenever the source's numbering or clock is not continued
	Marker   bool
	Keyframe bool   // decoding may start here
	Primary  int    // where the payload itself begins: before it stands sound of earlier packets (RFC 2198); 0: nothing does
	Payload  []byte // owned by the packet
}

// Outcome tells what a reader found.
type Outcome int

// What At may find.
const (
	Found  Outcome = iota // the packet was copied
	NotYet                // nothing has arrived under that number yet
	Lapped                // overwritten by newer packets
)

// Ring holds a fixed number of packets. One goroutine puts, any number may read.
type Ring struct {
	mu      sync.RWMutex
	slots   []slot   // guarded by mu
	order   []uint64 // guarded by mu: sequence numbers by arrival
	head    uint64   // guarded by mu: packets put so far
	highest uint64   // guarded by mu: largest sequence number put
	key     Key      // guarded by mu: the latest
	keyed   bool     // guarded by mu: there was one
}

// Key is the place of a key frame.
type Key struct {
	Arrival uint64 // number of its first packet, by order of arrival
	Time    uint32 // RTP timestamp
	Epoch   uint32
}

type slot struct {
	used   bool
	packet Packet
}

// New makes a ring for size packets (at least one). Slots take memory as they are first used.
func New(size int) *Ring {
	size = max(size, 1)
	return &Ring{slots: make([]slot, size), order: make([]uint64, size)}
}

// Put copies p in. It refuses packets that are already there and packets older than the ring reaches.
func (r *Ring) Put(p *Packet) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	size := uint64(len(r.slots))
	if r.head > 0 && p.Seq+size <= r.highest {
		return false
	}
	s := &r.slots[p.Seq%size]
	if s.used && s.packet.Seq == p.Seq {
		return false
	}
	s.used = true
	copyPacket(&s.packet, p)
	r.order[r.head%size] = p.Seq
	r.highest = max(r.highest, p.Seq)
	if p.Keyframe {
		r.key, r.keyed = Key{Arrival: r.head, Time: p.Time, Epoch: p.Epoch}, true
	}
	r.head++
	return true
}

// Head is the number of packets put so far: the arrival number the next one will have.
func (r *Ring) Head() uint64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.head
}

// Key is where the latest key frame begins; false if there was none, or the ring no longer has it.
func (r *Ring) Key() (Key, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.key, r.keyed && r.key.Arrival+uint64(len(r.slots)) >= r.head
}

// At copies the packet with that arrival number into dst, whose payload space is reused.
func (r *Ring) At(arrival uint64, dst *Packet) Outcome {
	r.mu.RLock()
	defer r.mu.RUnlock()
	size := uint64(len(r.slots))
	if arrival >= r.head {
		return NotYet
	}
	if arrival+size < r.head {
		return Lapped
	}
	seq := r.order[arrival%size]
	s := &r.slots[seq%size]
	if s.packet.Seq != seq {
		return Lapped
	}
	copyPacket(dst, &s.packet)
	return Found
}

// Get copies the packet with that sequence number into dst, whose payload space is reused.
func (r *Ring) Get(seq uint64, dst *Packet) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	s := &r.slots[seq%uint64(len(r.slots))]
	if !s.used || s.packet.Seq != seq {
		return false
	}
	copyPacket(dst, &s.packet)
	return true
}

func copyPacket(dst, src *Packet) {
	space := dst.Payload
	*dst = *src
	dst.Payload = append(space[:0], src.Payload...)
}
