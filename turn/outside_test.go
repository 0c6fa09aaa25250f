package turn

import (
	"context"
	"net"
	"net/netip"
	"testing"
)

// peer is somebody out there: a UDP socket that echoes.
func peer(t testing.TB, addr string) netip.AddrPort {
	t.Helper()
	conn, err := new(net.ListenConfig).ListenPacket(context.Background(), "udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		buf := make([]byte, 4096)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = conn.WriteTo(buf[:n], from)
		}
	}()
	return addrPortOf(conn.LocalAddr())
}

func loopback(open func(netip.AddrPort) (net.PacketConn, error)) *Outside {
	return &Outside{
		Addresses: []RelayAddress{{Bind: netip.MustParseAddr("127.0.0.1")}, {Bind: netip.MustParseAddr("::1")}},
		Allow:     []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")},
		Open:      open,
	}
}

func goSocket(bind netip.AddrPort) (net.PacketConn, error) {
	return net.ListenUDP("udp", net.UDPAddrFromAddrPort(bind))
}

func TestOutside(t *testing.T) {
	for name, open := range map[string]func(netip.AddrPort) (net.PacketConn, error){"own": nil, "go": goSocket, "batch": ListenUDP} {
		for _, transport := range []Transport{UDP, TCP} {
			t.Run(name+"/"+transport.String(), func(t *testing.T) {
				m := newMedia()
				g := newRig(t, func(c *Config) { c.Inside, c.Outside = m, loopback(open) })
				relay, err := g.client(t, transport, "alice", "").Allocate()
				if err != nil {
					t.Fatal(err)
				}
				echo(t, relay, peer(t, "127.0.0.1:0"))
				echo(t, relay, peer(t, "127.0.0.1:0"))
				echo(t, relay, m.addrs[0]) // not through the socket
				if _, got := m.count(); got != 20 {
					t.Errorf("the media got %d packets", got)
				}
			})
		}
	}
}
