package turn

import (
	"net/netip"
	"testing"
)

// TestPolicyEdges asks for the first and the last address of every range that is
// denied, and for their neighbours outside.
func TestPolicyEdges(t *testing.T) {
	p, err := NewPolicy(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []struct {
		first, last   string
		before, after bool // whether the neighbours are allowed
	}{
		{"0.0.0.0", "0.255.255.255", false, true},
		{"10.0.0.0", "10.255.255.255", true, true},
		{"100.64.0.0", "100.127.255.255", true, true},
		{"127.0.0.0", "127.255.255.255", true, true},
		{"169.254.0.0", "169.254.255.255", true, true},
		{"172.16.0.0", "172.31.255.255", true, true},
		{"192.0.0.0", "192.0.0.255", true, true},
		{"192.0.2.0", "192.0.2.255", true, true},
		{"192.88.99.0", "192.88.99.255", true, true},
		{"192.168.0.0", "192.168.255.255", true, true},
		{"198.18.0.0", "198.19.255.255", true, true},
		{"198.51.100.0", "198.51.100.255", true, true},
		{"203.0.113.0", "203.0.113.255", true, true},
		{"224.0.0.0", "239.255.255.255", true, false},
		{"240.0.0.0", "255.255.255.255", false, false},
		{"::", "::ffff:ffff", false, true},
		{"::ffff:0:0", "::ffff:ffff:ffff", true, true},
		{"::ffff:0:0:0", "::ffff:0:ffff:ffff", true, true},
		{"64:ff9b::", "64:ff9b::ffff:ffff", true, true},
		{"64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", true, true},
		{"100::", "100::ffff:ffff:ffff:ffff", true, true},
		{"2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff", true, true},
		{"2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff", true, true},
		{"2001:10::", "2001:2f:ffff:ffff:ffff:ffff:ffff:ffff", true, true},
		{"2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", true, true},
		{"2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", true, true},
		{"3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", true, true},
		{"5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", true, true},
		{"fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", true, true},
		{"fe80::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", true, false}, // link-local, site-local and multicast are neighbours
	} {
		first, last := netip.MustParseAddr(r.first), netip.MustParseAddr(r.last)
		for _, a := range []netip.Addr{first, first.Next(), last.Prev(), last} {
			if p.Allows(a) {
				t.Errorf("%v of %v to %v is allowed", a, first, last)
			}
		}
		if prev := first.Prev(); prev.IsValid() && p.Allows(prev) != r.before {
			t.Errorf("%v before %v: allowed is %v", prev, first, !r.before)
		}
		if next := last.Next(); next.IsValid() && p.Allows(next) != r.after {
			t.Errorf("%v after %v: allowed is %v", next, last, !r.after)
		}
	}
}

func TestPolicyOperator(t *testing.T) {
	prefixes := []netip.Prefix{
		netip.MustParsePrefix("10.1.2.3/16"), netip.MustParsePrefix("::1/128"), netip.MustParsePrefix("64:ff9b::/96"),
		netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("fd00:1::/32"), netip.MustParsePrefix("192.0.2.9/32"),
	}
	own := []netip.Addr{netip.MustParseAddr("10.1.0.1"), netip.MustParseAddr("::ffff:198.41.0.4"), netip.MustParseAddr("192.0.2.9")}
	p, err := NewPolicy(prefixes, own)
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]bool{
		"10.1.0.0": true, "10.1.255.255": true, "10.2.0.0": false, "10.0.255.255": false,
		"10.1.0.1":  false, // ours, and only a range is allowed
		"192.0.2.9": true,  // ours, and itself allowed
		"192.0.2.8": false, "198.41.0.4": false, "198.41.0.5": true,
		"::1": true, "::2": false, "::": false, "fd00:1::5": true, "fd00:2::5": false,
		"64:ff9b::8.8.8.8": true, "64:ff9b::10.1.0.9": true,
		"64:ff9b::10.1.0.1": false, "64:ff9b::127.0.0.1": false, "64:ff9b::169.254.169.254": false,
		"2002:808:808::1": true, "2002:7f00:1::1": false, "2002:a01:1::1": false,
		"::ffff:8.8.8.8": false, "::ffff:10.1.0.9": false, "::10.1.0.9": false,
		"2a00:1450:4001:80b::200e": true, "2a00:1450:4001:80b:0:5efe:a00:1": false, "2a00:1450:4001:80b:200:5efe:808:808": false,
		"fe80::1%eth0": false, "2a00:1450:4001:80b::200e%1": false, "8.8.8.8": true, "255.255.255.255": false,
	} {
		if got := p.Allows(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: allowed is %v", addr, got)
		}
	}
	if p.Allows(netip.Addr{}) {
		t.Error("no address at all is allowed")
	}
	if _, err := NewPolicy([]netip.Prefix{{}}, nil); err == nil {
		t.Error("a prefix that is none is taken")
	}
}

// FuzzPolicy holds the policy against the standard library's own judgement, and an
// operator who allows everything against what the addresses inside addresses say.
func FuzzPolicy(f *testing.F) {
	for _, r := range notPublic() {
		f.Add(r.Addr().AsSlice())
		f.Add(r.Addr().Prev().AsSlice())
	}
	own := netip.MustParseAddr("8.8.8.8")
	strict, err := NewPolicy(nil, []netip.Addr{own})
	if err != nil {
		f.Fatal(err)
	}
	open, err := NewPolicy([]netip.Prefix{netip.MustParsePrefix("::/0")}, []netip.Addr{own})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, ok := netip.AddrFromSlice(b)
		if !ok {
			return
		}
		if strict.Allows(a) && (!a.IsGlobalUnicast() || a.IsPrivate() || a.Is4In6() || a == own) {
			t.Errorf("%v is allowed", a)
		}
		if inner, ok := embedded(a); ok && open.Allows(a) && !strict.Allows(inner) {
			t.Errorf("%v is allowed, %v in it is not", a, inner)
		}
	})
}
