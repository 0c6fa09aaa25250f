package main

import (
	"fmt"
	"net"
	"net/netip"
)

// maxMaxFile is as much as one object of an object store may have: 5 TiB, in MiB.
const maxMaxFile = 5 << 20

// limits checks what bounds people, and returns the networks of the proxies that are trusted.
func (c *serveCommand) limits() ([]netip.Prefix, error) {
	for flag, n := range map[string]int{"--quota": c.Quota, "--requests": c.Requests, "--logins": c.Logins, "--registrations": c.Registrations} {
		if n < 0 {
			return nil, fmt.Errorf("%s must not be negative; 0 sets no limit", flag)
		}
	}
	if c.MaxFile < 1 || c.MaxFile > maxMaxFile {
		return nil, fmt.Errorf("--max-file must be from 1 to %d MiB", maxMaxFile)
	}
	var out []netip.Prefix
	for _, s := range words(c.TrustedProxy) {
		p, err := netip.ParsePrefix(s)
		if a, bad := netip.ParseAddr(s); bad == nil {
			p, err = a.Unmap().Prefix(a.Unmap().BitLen())
		}
		if err != nil {
			return nil, fmt.Errorf("--trusted-proxy: %q is neither an IP address nor a network like 10.0.0.0/8", s)
		}
		out = append(out, p)
	}
	return out, nil
}

// registration is who may make an account, once it is known who can connect.
func (c *serveCommand) registration(addr net.Addr) string {
	switch {
	case c.Registration != "auto":
		return c.Registration
	case local(addr):
		return "open"
	}
	return "closed"
}
