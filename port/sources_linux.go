package port

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// sourcesKept is how many remotes each of the two generations of sources holds; an entry takes about 100 bytes.
const sourcesKept = 16384

// sources remembers which of this machine's addresses each remote asked, so that answers leave from there: a remote that asked one address
// drops what comes from another. What has been silent while sourcesKept other remotes spoke may be forgotten; the system chooses then.
//
// A machine with one address per family needs none of this, and pays for a comparison only. The first packet to any other address ends that, and
// so does a second address that it gets.
type sources struct {
	looked time.Time     // when the addresses were counted; owned by the reader
	sole   [2]netip.Addr // what the system chooses towards others, IPv4 and IPv6; invalid: there are several, or none; owned by the reader
	needed atomic.Bool

	mu    sync.RWMutex
	young map[netip.AddrPort]netip.Addr // guarded by mu
	old   map[netip.AddrPort]netip.Addr // guarded by mu
}

// lookAgain is how long a count of the machine's addresses holds.
const lookAgain = 30 * time.Second

// newSources counts the machine's addresses.
func newSources(addresses []net.Addr) *sources {
	s := &sources{young: map[netip.AddrPort]netip.Addr{}}
	s.look(addresses)
	return s
}

// refresh counts the addresses anew from time to time, until there is nothing more to learn.
func (s *sources) refresh() {
	if s.needed.Load() || time.Since(s.looked) < lookAgain {
		return
	}
	if addresses, err := net.InterfaceAddrs(); err == nil {
		s.look(addresses)
	}
}

func (s *sources) look(addresses []net.Addr) {
	s.looked, s.sole = time.Now(), [2]netip.Addr{}
	var found [2]int
	for _, a := range addresses {
		prefix, err := netip.ParsePrefix(a.String())
		if err != nil || prefix.Addr().IsLoopback() || prefix.Addr().IsLinkLocalUnicast() {
			continue
		}
		i := family(prefix.Addr())
		if found[i]++; found[i] == 1 {
			s.sole[i] = prefix.Addr()
		}
	}
	for i := range found {
		if found[i] > 1 {
			s.sole[i] = netip.Addr{}
			s.needed.Store(true)
		}
	}
}

func family(a netip.Addr) int {
	if a.Is4() {
		return 0
	}
	return 1
}

// natural reports whether the system would choose local towards remote by itself.
func (s *sources) natural(remote, local netip.Addr) bool {
	switch {
	case local.IsLoopback() || remote.IsLoopback():
		return local == remote && local == loopback(local)
	case local.Is6() && local.IsLinkLocalUnicast(): // each link has one
		return remote.IsLinkLocalUnicast()
	}
	return local == s.sole[family(local)]
}

func loopback(a netip.Addr) netip.Addr {
	if a.Is4() {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return netip.IPv6Loopback()
}

// note records that remote asked local.
func (s *sources) note(remote netip.AddrPort, local netip.Addr) {
	if !s.needed.Load() {
		if s.natural(remote.Addr(), local) {
			return
		}
		s.needed.Store(true)
	}
	s.mu.RLock()
	known := s.young[remote]
	s.mu.RUnlock()
	if known == local {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.young) >= sourcesKept {
		s.young, s.old = make(map[netip.AddrPort]netip.Addr, sourcesKept), s.young
	}
	s.young[remote] = local
}

// of is the address that remote asked; invalid: the system may choose.
func (s *sources) of(remote netip.AddrPort) netip.Addr {
	if !s.needed.Load() {
		return netip.Addr{}
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if a, ok := s.young[remote]; ok {
		return a
	}
	return s.old[remote]
}

// forget is for an address that this machine has no longer.
func (s *sources) forget(remote netip.AddrPort) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.young, remote)
	delete(s.old, remote)
}
