package port

import (
	"sync/atomic"

	"neochat/port/firstbytes"
)

// counts is what happened on the UDP port since it was opened.
type counts struct {
	received   [firstbytes.Kinds]atomic.Uint64
	mediaLost  atomic.Uint64
	relayLost  atomic.Uint64
	sendLost   atomic.Uint64
	kernelLost atomic.Uint64
	tooLong    atomic.Uint64
	unheard    atomic.Uint64
	virtual    atomic.Uint64
}

// UDPStats counts datagrams since the port was opened.
type UDPStats struct {
	Received   [firstbytes.Kinds]uint64 // by kind; of virtual peers too
	MediaLost  uint64                   // Media was not read fast enough
	RelayLost  uint64                   // Relay was not read fast enough
	SendLost   uint64                   // the system had no room for them on the way out
	KernelLost uint64                   // the system had no room for them on the way in (Linux)
	TooLong    uint64                   // received, but over 2048 bytes
	Unheard    uint64                   // sent to a virtual peer that is not there or has never spoken
	Virtual    uint64                   // came from virtual peers
}

// Heard is how many packets came over the wire, garbage apart.
func (s UDPStats) Heard() uint64 {
	var n uint64
	for k := firstbytes.Garbage + 1; k < firstbytes.Kinds; k++ {
		n += s.Received[k]
	}
	return n - min(n, s.Virtual)
}

// Stats reads the counters.
func (u *UDP) Stats() UDPStats {
	c := u.counts
	s := UDPStats{MediaLost: c.mediaLost.Load(), RelayLost: c.relayLost.Load(), SendLost: c.sendLost.Load(), KernelLost: c.kernelLost.Load(),
		TooLong: c.tooLong.Load(), Unheard: c.unheard.Load(), Virtual: c.virtual.Load()}
	for k := range c.received {
		s.Received[k] = c.received[k].Load()
	}
	return s
}
