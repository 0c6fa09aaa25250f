package turn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"

	"github.com/pion/stun/v4"
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

// TestBothFamilies: clients over IPv6, over a socket of both families, and IPv6 peers.
func TestBothFamilies(t *testing.T) {
	g := newRig(t, func(c *Config) { c.Outside = loopback(nil) })
	for _, bind := range []string{"[::1]:0", "[::]:0"} {
		conn, err := ListenUDP(netip.MustParseAddrPort(bind))
		if err != nil {
			t.Fatal(err)
		}
		if err := g.ServeUDP(conn); err != nil {
			t.Fatal(err)
		}
		port := addrPortOf(conn.LocalAddr()).Port()
		for _, at := range []string{"::1", "127.0.0.1"} {
			if bind == "[::1]:0" && at == "127.0.0.1" {
				continue
			}
			there := &rig{Relay: g.Relay, udp: net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(at), port))}
			for f, to := range map[byte]string{1: "127.0.0.1:0", 2: "[::1]:0"} {
				a, peer := there.askerFor(t, UDP, "alice", ""), peer(t, to)
				if code := a.allocate(stun.RawAttribute{Type: stun.AttrRequestedAddressFamily, Value: []byte{f, 0, 0, 0}}); code != 0 {
					t.Fatalf("%s at %s: allocating for %s answers %d", at, bind, to, code)
				}
				a.want(0, stun.MethodChannelBind, channel(0x4000), peerAttr(peer))
				a.channelData(0x4000, 4, []byte("ping"))
				if b := a.next(); string(b[4:]) != "ping" {
					t.Errorf("%s at %s: from %s comes %q", at, bind, to, b)
				}
			}
		}
	}
}

// TestRelayPorts: relay sockets are of the range, and clients are told the public address.
func TestRelayPorts(t *testing.T) {
	public := netip.MustParseAddr("198.41.0.4")
	g := newRig(t, func(c *Config) {
		c.Outside = loopback(nil)
		c.Outside.Addresses = []RelayAddress{{Bind: netip.MustParseAddr("127.0.0.9"), Public: public}}
		c.Outside.MinPort, c.Outside.MaxPort = 40001, 40004
	})
	seen := map[int]bool{}
	for range 4 {
		a := g.askerFor(t, UDP, "alice", "")
		a.login()
		var relayed stun.XORMappedAddress
		if err := relayed.GetFromAs(a.ask(stun.MethodAllocate, transport(17)), stun.AttrXORRelayedAddress); err != nil {
			t.Fatal(err)
		}
		if relayed.IP.String() != public.String() || relayed.Port < 40001 || relayed.Port > 40004 || seen[relayed.Port] {
			t.Errorf("relayed at %v, after %v", relayed, seen)
		}
		seen[relayed.Port] = true
	}
	a := g.askerFor(t, UDP, "alice", "")
	if code := a.allocate(); code != stun.CodeInsufficientCapacity {
		t.Errorf("a fifth of four ports answers %d", code)
	}
	if code := a.allocate(stun.RawAttribute{Type: stun.AttrRequestedAddressFamily, Value: []byte{2, 0, 0, 0}}); code != stun.CodeAddrFamilyNotSupported {
		t.Errorf("a family without an address answers %d", code)
	}
}

// TestStrangers: nothing of a peer without a permission, and nothing too long, gets to the client.
func TestStrangers(t *testing.T) {
	for name, open := range map[string]func(netip.AddrPort) (net.PacketConn, error){"own": nil, "go": goSocket} {
		g := newRig(t, func(c *Config) { c.Outside = loopback(open) })
		a := g.askerFor(t, UDP, "alice", "")
		a.login()
		var relayed stun.XORMappedAddress
		if err := relayed.GetFromAs(a.ask(stun.MethodAllocate, transport(17)), stun.AttrXORRelayedAddress); err != nil {
			t.Fatal(err)
		}
		a.want(0, stun.MethodCreatePermission, mustPeer("127.0.0.2:1"))
		say := func(from string, n int) {
			conn, err := net.DialUDP("udp", &net.UDPAddr{IP: net.ParseIP(from)}, &net.UDPAddr{IP: relayed.IP, Port: relayed.Port})
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := conn.Write(make([]byte, n)); err != nil {
				t.Fatal(err)
			}
		}
		say("127.0.0.3", 100)
		say("127.0.0.2", 3000)
		say("127.0.0.2", 77)
		if data, err := a.hear().Get(stun.AttrData); err != nil || len(data) != 77 {
			t.Errorf("%s: %d bytes came, %v", name, len(data), err)
		}
		eventually(t, "both are counted", func() bool {
			d := g.Stats().Dropped
			return d["no_permission"] == 1 && d["malformed"] == 1
		})
	}
}

// TestCloseUnderLoad: everything ends while everybody talks and accounts are revoked.
func TestCloseUnderLoad(t *testing.T) {
	m := newMedia()
	g := newRig(t, func(c *Config) { c.Inside, c.Outside = m, loopback(nil) })
	other := peer(t, "127.0.0.1:0")
	stop := make(chan struct{})
	var all sync.WaitGroup
	var askers []*asker
	for i := range 12 {
		a := g.askerFor(t, Transport(i%2), fmt.Sprint("user", i%3), "")
		if code := a.allocate(); code != 0 {
			t.Fatalf("allocating answers %d", code)
		}
		a.want(0, stun.MethodChannelBind, channel(0x4000), peerAttr(m.addrs[0]))
		a.want(0, stun.MethodChannelBind, channel(0x4001), peerAttr(other))
		askers = append(askers, a)
	}
	for _, a := range askers {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				for _, b := range [][]byte{{0x40, 0, 0, 4, 1, 2, 3, 4}, {0x40, 1, 0, 4, 1, 2, 3, 4}} {
					_, _ = a.conn.Write(b)
				}
			}
		})
	}
	eventually(t, "packets pass", func() bool { return g.Stats().PacketsToClients > 1000 })
	g.RevokeAccount("user1")
	eventually(t, "4 are over", func() bool { n, _ := m.count(); return n == 8 })
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	if n, _ := m.count(); n != 0 || g.Stats().Connections != 0 {
		t.Errorf("%d are attached, %+v", n, g.Stats())
	}
	close(stop)
	all.Wait()
	conn, err := ListenUDP(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	if err := g.ServeUDP(conn); !errors.Is(err, net.ErrClosed) {
		t.Errorf("serving after the end: %v", err)
	}
}
