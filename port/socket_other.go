//go:build !linux

package port

import "net/netip"

// openSocket opens Go's own socket; this system has no other.
func openSocket(at netip.AddrPort, _ bool, counts *counts) (socket, error) {
	return openPortable(at, counts)
}
