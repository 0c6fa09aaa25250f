package media

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"
)

// Priorities of the candidates we add (RFC 8445 section 5.1.2.1, RFC 6544 section 4.2): below those of the machine's own
// addresses, which are nearer, and TCP below UDP.
const (
	addedUDP = 126<<24 | 32767<<8 | 255
	addedTCP = 90<<24 | (4<<13|8191)<<8 | 255 // direction preference 4: passive
)

// addressesLast is how long the machine's own addresses are taken for what they were: it may get and lose some.
const addressesLast = 10 * time.Second

// addresses keeps what this server is reached at. It is guarded by SFU.mu.
type addresses struct {
	own  map[netip.Addr]bool
	asOf time.Time          // of own
	seen map[netip.Addr]int // by how many peers that are here
}

// Hosts tells whether addr is one of those that are offered to clients.
func (s *SFU) Hosts(addr netip.Addr) bool {
	addr = addr.Unmap()
	s.mu.Lock()
	known := s.ownLocked()[addr] || s.addresses.seen[addr] > 0
	s.mu.Unlock()
	if known {
		return true
	}
	for _, a := range s.public() {
		if a == addr {
			return true
		}
	}
	return false
}

// Reaches tells whether a packet to that address and port is for us.
func (s *SFU) Reaches(to netip.AddrPort) bool {
	return int(to.Port()) == s.port && s.Hosts(to.Addr())
}

// public gives the addresses that the machine does not know to be its own.
func (s *SFU) public() []netip.Addr {
	if s.config.PublicAddresses == nil {
		return nil
	}
	return s.config.PublicAddresses()
}

// seeLocked counts the addresses at which a peer sees this server: n is 1 when it comes, -1 when it goes.
func (s *SFU) seeLocked(addrs []netip.Addr, n int) {
	for _, a := range addrs {
		if s.addresses.seen[a] += n; s.addresses.seen[a] == 0 {
			delete(s.addresses.seen, a)
		}
	}
}

// usable keeps the addresses, at most four, that a candidate can be made of.
func usable(addrs []netip.Addr) []netip.Addr {
	var kept []netip.Addr
	for _, a := range addrs {
		if a = a.Unmap().WithZone(""); a.IsValid() && !a.IsUnspecified() && !a.IsMulticast() && len(kept) < 4 {
			kept = append(kept, a)
		}
	}
	return kept
}

// withCandidates adds host candidates of addresses that no interface of this machine has to an answer: the public ones, and
// those at which the peer itself sees the server. Pion need not know of them: what arrives there arrives at its sockets.
func (s *SFU) withCandidates(answer string, seen []netip.Addr) string {
	var lines strings.Builder
	told := map[netip.Addr]bool{}
	for i, a := range append(s.public(), seen...) {
		if told[a] || strings.Contains(answer, " "+a.String()+" ") {
			continue
		}
		told[a] = true
		fmt.Fprintf(&lines, "a=candidate:added%du 1 udp %d %s %d typ host\r\n", i, addedUDP-i<<8, a, s.port)
		if s.streamPort != 0 {
			fmt.Fprintf(&lines, "a=candidate:added%dt 1 tcp %d %s %d typ host tcptype passive\r\n", i, addedTCP-i<<8, a, s.streamPort)
		}
	}
	if lines.Len() == 0 {
		return answer
	}
	const end = "a=end-of-candidates\r\n"
	return strings.ReplaceAll(answer, end, lines.String()+end)
}

// ownLocked gives the addresses of the machine that Pion offers by itself.
func (s *SFU) ownLocked() map[netip.Addr]bool {
	a := &s.addresses
	if a.own != nil && time.Since(a.asOf) < addressesLast {
		return a.own
	}
	a.own, a.asOf = map[netip.Addr]bool{}, time.Now()
	all, err := net.InterfaceAddrs()
	if err != nil {
		s.config.Logger.Warn("the machine does not tell its addresses", "error", err)
	}
	for _, one := range all {
		if prefix, err := netip.ParsePrefix(one.String()); err == nil && (s.config.Loopback || !prefix.Addr().IsLoopback()) {
			a.own[prefix.Addr().Unmap()] = true
		}
	}
	return a.own
}
