//go:build !linux

package turn

import (
	"net"
	"net/netip"
)

// systemSockets are Go's own, with a reader each.
func systemSockets(r *Relay) (relaySockets, error) {
	return plainSockets{r, ListenUDP}, nil
}

// ListenUDP opens a UDP socket for ServeUDP.
func ListenUDP(bind netip.AddrPort) (net.PacketConn, error) {
	return net.ListenUDP("udp", net.UDPAddrFromAddrPort(bind))
}
