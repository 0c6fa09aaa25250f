package main

import (
	"net/netip"
	"testing"
)

// TestTranslated compares where names lead with what machines have.
func TestTranslated(t *testing.T) {
	list := func(texts ...string) (out []netip.Addr) {
		for _, s := range texts {
			out = append(out, netip.MustParseAddr(s))
		}
		return out
	}
	for _, c := range []struct {
		name       string
		named, own []netip.Addr
		public     string
		elsewhere  bool
	}{
		{"its own address", list("203.0.113.7"), list("203.0.113.7", "10.0.0.2"), "", false},
		{"one of two", list("2001:db8::7", "203.0.113.7"), list("203.0.113.7"), "", false},
		{"a cloud", list("203.0.113.7"), list("10.0.0.2"), "203.0.113.7", false},
		{"a carrier's network", list("203.0.113.7"), list("100.64.3.4"), "203.0.113.7", false},
		{"another machine", list("203.0.113.8"), list("203.0.113.7"), "", true},
		{"a private address that is not ours", list("10.0.0.3"), list("10.0.0.2"), "", true},
		{"IPv6 alone, behind IPv4", list("2001:db8::7"), list("10.0.0.2"), "", true},
		{"IPv4 in IPv6", list("::ffff:203.0.113.7"), list("203.0.113.7"), "", false},
	} {
		public, elsewhere := translated(c.named, c.own)
		if public.IsValid() != (c.public != "") || public.IsValid() && public.String() != c.public || elsewhere != c.elsewhere {
			t.Errorf("%s: %v %v", c.name, public, elsewhere)
		}
	}
}

// TestToolsConfig is taken only by commands that look after the package's server and are told nothing else.
func TestToolsConfig(t *testing.T) {
	for _, args := range [][]string{nil, {"serve"}, {"setup"}, {"chat"}, {"user", "--data", "x", "list"}, {"user", "--database=x", "list"}} {
		if got := toolsConfig(args); got != "" {
			t.Errorf("%v takes %s", args, got)
		}
	}
}
