package turn

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	library "github.com/pion/turn/v5"
	"go.uber.org/goleak"
)

var testSecret = []byte("a secret of more than 16 bytes")

// media is an Inside that echoes, with one address of each family.
type media struct {
	addrs []netip.AddrPort

	mu       sync.Mutex
	attached map[netip.AddrPort]func([]byte, netip.AddrPort) // guarded by mu
	got      int                                             // guarded by mu
}

func newMedia() *media {
	return &media{
		addrs:    []netip.AddrPort{netip.MustParseAddrPort("203.0.113.7:5000"), netip.MustParseAddrPort("[2001:db8::7]:5000")},
		attached: map[netip.AddrPort]func([]byte, netip.AddrPort){},
	}
}

func (m *media) Hosts(a netip.Addr) bool { return a == m.addrs[0].Addr() || a == m.addrs[1].Addr() }
func (m *media) Reaches(a netip.AddrPort) bool {
	return a == m.addrs[0] || a == m.addrs[1]
}

func (m *media) Attach(relayed netip.AddrPort, deliver func([]byte, netip.AddrPort)) (func([]byte, netip.AddrPort), func(), error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if relayed.Addr() != dummyAddress(relayed.Addr().Is6()) {
		return nil, nil, fmt.Errorf("%v may be on a wire", relayed)
	}
	if _, there := m.attached[relayed]; there {
		return nil, nil, fmt.Errorf("%v is attached already", relayed)
	}
	m.attached[relayed] = deliver
	send := func(packet []byte, to netip.AddrPort) {
		m.mu.Lock()
		m.got++
		m.mu.Unlock()
		deliver(packet, to)
	}
	return send, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.attached, relayed)
	}, nil
}

func (m *media) count() (attached, got int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.attached), m.got
}

// rig is a relay on loopback, over all transports.
type rig struct {
	*Relay
	udp, tcp net.Addr
}

func newRig(t testing.TB, change func(*Config)) *rig {
	t.Helper()
	t.Cleanup(func() { goleak.VerifyNone(t, goleak.IgnoreCurrent()) })
	return startRig(t, change)
}

func startRig(t testing.TB, change func(*Config)) *rig {
	t.Helper()
	cfg := Config{Secret: testSecret}
	if change != nil {
		change(&cfg)
	}
	r, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	conn, err := ListenUDP(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.ServeUDP(conn); err != nil {
		t.Fatal(err)
	}
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.ServeStreams(l, TCP); err != nil {
		t.Fatal(err)
	}
	return &rig{Relay: r, udp: conn.LocalAddr(), tcp: l.Addr()}
}

func insideOnly(m *media) func(*Config) { return func(c *Config) { c.Inside = m } }

// client logs in at the relay over a transport, as a device of an account.
func (g *rig) client(t testing.TB, transport Transport, account, device string) *library.Client {
	t.Helper()
	user, pass, _, err := g.Credentials(account, device)
	if err != nil {
		t.Fatal(err)
	}
	return g.clientAs(t, transport, user, pass)
}

func (g *rig) clientAs(t testing.TB, transport Transport, user, pass string) *library.Client {
	t.Helper()
	var conn net.PacketConn
	server := g.udp
	if transport == UDP {
		c, err := new(net.ListenConfig).ListenPacket(context.Background(), "udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		conn = c
	} else {
		server = g.tcp
		c, err := new(net.Dialer).DialContext(context.Background(), "tcp", g.tcp.String())
		if err != nil {
			t.Fatal(err)
		}
		conn = library.NewSTUNConn(c)
	}
	client, err := library.NewClient(&library.ClientConfig{
		TURNServerAddr: server.String(), Conn: conn, Username: user, Password: pass, Realm: "neochat",
		LoggerFactory: complaints{new(atomic.Uint64)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Listen(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); _ = conn.Close() })
	return client
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

// echo sends payloads of several sizes and wants them back, each before the next.
func echo(t testing.TB, relay net.PacketConn, peer netip.AddrPort) {
	t.Helper()
	buf := make([]byte, 2048)
	for i := range 20 {
		sent := randomBytes(8 + 61*i) // the client of the library waits for 9 bytes of a message
		if _, err := relay.WriteTo(sent, net.UDPAddrFromAddrPort(peer)); err != nil {
			t.Fatal(err)
		}
		_ = relay.SetReadDeadline(time.Now().Add(20 * time.Second))
		n, from, err := relay.ReadFrom(buf)
		if err != nil {
			t.Fatalf("packet %d: %v", i, err)
		}
		if addrPortOf(from) != peer || !bytes.Equal(buf[:n], sent) {
			t.Fatalf("packet %d: %d bytes from %v, %d sent to %v", i, n, from, len(sent), peer)
		}
	}
}

// eventually waits for something to become true, for as long as that may sensibly take.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for range 2000 {
		if is() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("never: " + what)
}

func TestInside(t *testing.T) {
	for _, transport := range []Transport{UDP, TCP} {
		t.Run(transport.String(), func(t *testing.T) {
			m := newMedia()
			g := newRig(t, insideOnly(m))
			relay, err := g.client(t, transport, "alice", "phone").Allocate()
			if err != nil {
				t.Fatal(err)
			}
			if got := addrPortOf(relay.LocalAddr()); got.Addr() != netip.MustParseAddr("192.0.0.8") || got.Port() < firstDummy {
				t.Errorf("the relayed address is %v", got)
			}
			echo(t, relay, m.addrs[0])
			if s := g.Stats(); s.Allocations[transport.String()] != 1 || s.PacketsToPeers < 20 || s.PacketsToClients < 20 || s.Complaints != 0 {
				t.Errorf("%+v", s)
			}
			if err := relay.Close(); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the allocation is gone", func() bool { n, _ := m.count(); return n == 0 && g.Stats().Allocations[transport.String()] == 0 })
		})
	}
}
