package turn

import (
	"net/netip"
	"sync"
)

// Inside is this server's own media, which clients reach through the relay
// without any socket in between. Its methods are called from many goroutines,
// for every packet, and must not wait for anything.
type Inside interface {
	// Hosts tells whether an address is one that the media answers at, whatever the port:
	// permissions are given to addresses (RFC 8656 section 9).
	Hosts(addr netip.Addr) bool
	// Reaches tells whether the media answers at an address and port.
	Reaches(to netip.AddrPort) bool
	// Attach announces an allocation, under an address that is never on a wire (see dummies), also where the
	// relay has a socket for it: the media must not send there what is to come through here. From then on what the media sends to at goes to deliver, with
	// the address that it is sent from: it has to be the one that the client sent to, for
	// permissions and channels go by it. deliver copies, never waits, and may be called after detach.
	// send brings what the client sent to one of the media's addresses, and detach ends it; send must not keep the packet.
	Attach(at netip.AddrPort, deliver func(packet []byte, from netip.AddrPort)) (send func(packet []byte, to netip.AddrPort), detach func(), err error)
}

// dummies gives relayed addresses that are never on a wire: the dummy address of
// RFC 7600 section 4.8 and, for IPv6, the first of the discard-only block of RFC 6666.
// Only the port tells them apart.
type dummies struct {
	mu   sync.Mutex
	last [2]uint16 // guarded by mu; by family, as the next
	used [2]map[uint16]struct{}
}

// firstDummy is the lowest port given: browsers shun the well-known ones.
const firstDummy = 1024

func newDummies() *dummies {
	return &dummies{used: [2]map[uint16]struct{}{{}, {}}, last: [2]uint16{firstDummy, firstDummy}}
}

func dummyAddress(six bool) netip.Addr {
	if six {
		return netip.AddrFrom16([16]byte{0: 0x01, 15: 1})
	}
	return netip.AddrFrom4([4]byte{192, 0, 0, 8})
}

func family(six bool) int {
	if six {
		return 1
	}
	return 0
}

// take gives a free one. Ports are counted round, so that one just freed is not given to somebody else at once.
func (d *dummies) take(six, even bool) (netip.AddrPort, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := family(six)
	for range 1<<16 - firstDummy {
		d.last[f] = max(d.last[f]+1, firstDummy)
		if _, taken := d.used[f][d.last[f]]; !taken && !(even && d.last[f]%2 == 1) {
			d.used[f][d.last[f]] = struct{}{}
			return netip.AddrPortFrom(dummyAddress(six), d.last[f]), true
		}
	}
	return netip.AddrPort{}, false
}

func (d *dummies) give(a netip.AddrPort) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.used[family(a.Addr().Is6())], a.Port())
}
