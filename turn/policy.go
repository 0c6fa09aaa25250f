package turn

import (
	"fmt"
	"net/netip"
)

// Policy tells whom a relay with sockets of its own may send to: anybody on the
// public internet, never an address that only means something near this server.
// It never changes once made, so any number of goroutines may ask it.
type Policy struct {
	denied []netip.Prefix
	allow  []netip.Prefix
	own    map[netip.Addr]struct{}
}

// NewPolicy makes the policy of a server whose own addresses are own. What is in
// allow may be reached although it is not public; an address of own only when
// allow names exactly it.
func NewPolicy(allow []netip.Prefix, own []netip.Addr) (Policy, error) {
	p := Policy{denied: notPublic(), own: make(map[netip.Addr]struct{}, len(own))}
	for _, prefix := range allow {
		if !prefix.IsValid() {
			return Policy{}, fmt.Errorf("turn: %q is no prefix that peers could be in", prefix)
		}
		p.allow = append(p.allow, prefix.Masked())
	}
	for _, a := range own {
		p.own[a.Unmap().WithZone("")] = struct{}{}
	}
	return p, nil
}

// Allows tells whether packets may go to an address. An IPv4 address inside an
// IPv6 one is never taken for the former: where an operator allows such a prefix
// (64:ff9b::/96, say), the address inside is asked about as well.
func (p Policy) Allows(to netip.Addr) bool {
	if !to.IsValid() || to.Zone() != "" {
		return false
	}
	if _, ours := p.own[to]; ours {
		return p.allowsExactly(to)
	}
	if p.allows(to) {
		inner, ok := embedded(to)
		return !ok || p.Allows(inner)
	}
	if isISATAP(to) {
		return false
	}
	for _, prefix := range p.denied {
		if prefix.Contains(to) {
			return false
		}
	}
	return true
}

func (p Policy) allows(to netip.Addr) bool {
	for _, prefix := range p.allow {
		if prefix.Contains(to) {
			return true
		}
	}
	return false
}

func (p Policy) allowsExactly(to netip.Addr) bool {
	for _, prefix := range p.allow {
		if prefix.IsSingleIP() && prefix.Addr() == to {
			return true
		}
	}
	return false
}

// notPublic lists what is not on the public internet (the special-purpose
// registries of RFC 6890), and every form in which an IPv6 address carries an IPv4 one.
func notPublic() []netip.Prefix {
	ranges := []string{
		"0.0.0.0/8",       // this network
		"10.0.0.0/8",      // private, RFC 1918
		"100.64.0.0/10",   // carriers' shared space, RFC 6598
		"127.0.0.0/8",     // loopback
		"169.254.0.0/16",  // link-local, and the metadata services of clouds
		"172.16.0.0/12",   // private
		"192.0.0.0/24",    // protocol assignments; our own dummy is of it
		"192.0.2.0/24",    // documentation
		"192.88.99.0/24",  // 6to4 relays, RFC 7526
		"192.168.0.0/16",  // private
		"198.18.0.0/15",   // benchmarks
		"198.51.100.0/24", // documentation
		"203.0.113.0/24",  // documentation
		"224.0.0.0/4",     // multicast
		"240.0.0.0/4",     // reserved, and broadcast
		"::/96",           // unspecified, loopback, and ::a.b.c.d
		"::ffff:0:0/96",   // IPv4-mapped
		"::ffff:0:0:0/96", // IPv4-translated, RFC 2765
		"64:ff9b::/96",    // NAT64, RFC 6052
		"64:ff9b:1::/48",  // NAT64 of the local network, RFC 8215
		"100::/64",        // discard-only, RFC 6666; our own dummies are of it
		"2001::/32",       // Teredo
		"2001:2::/48",     // benchmarks
		"2001:10::/28",    // ORCHID
		"2001:20::/28",    // ORCHIDv2
		"2001:db8::/32",   // documentation
		"2002::/16",       // 6to4
		"3fff::/20",       // documentation
		"5f00::/16",       // segment routing
		"fc00::/7",        // unique local
		"fe80::/10",       // link-local
		"fec0::/10",       // site-local
		"ff00::/8",        // multicast
	}
	prefixes := make([]netip.Prefix, len(ranges))
	for i, r := range ranges {
		prefixes[i] = netip.MustParsePrefix(r)
	}
	return prefixes
}

// embedded takes the IPv4 address out of an IPv6 address that carries one.
func embedded(a netip.Addr) (netip.Addr, bool) {
	if a.Is4() || a.IsLoopback() || a.IsUnspecified() {
		return netip.Addr{}, false
	}
	b := a.As16()
	at := func(i int) (netip.Addr, bool) { return netip.AddrFrom4([4]byte(b[i : i+4])), true }
	switch {
	case b[0] == 0x20 && b[1] == 0x02:
		return at(2)
	case b[0] == 0x20 && b[1] == 0x01 && b[2] == 0 && b[3] == 0: // Teredo hides the client's, RFC 4380 section 4
		return netip.AddrFrom4([4]byte{^b[12], ^b[13], ^b[14], ^b[15]}), true
	case b[0] == 0 && b[1] == 0, b[0] == 0 && b[1] == 0x64, isISATAP(a):
		return at(12)
	}
	return netip.Addr{}, false
}

// isISATAP tells an interface identifier that carries an IPv4 address, RFC 5214 section 6.1.
func isISATAP(a netip.Addr) bool {
	if a.Is4() {
		return false
	}
	b := a.As16()
	return b[8]&^0x03 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe
}
