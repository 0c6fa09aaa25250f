package port

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"neochat/port/firstbytes"
)

// patience is how long a test waits for what must come; nothing is expected to take long.
const patience = time.Minute

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// openUDP opens a port that the test closes, and checks that no goroutine stays and nothing is logged.
func openUDP(t testing.TB, address string, portable bool) *UDP {
	t.Helper()
	before := goleak.IgnoreCurrent()
	var said bytes.Buffer // read when the reader has ended
	u, err := ListenUDP(UDPConfig{Address: address, Portable: portable, Logger: slog.New(slog.NewTextHandler(&said, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := u.Close(); err != nil {
			t.Error(err)
		}
		if said.Len() > 0 {
			t.Errorf("logged %s", said.String())
		}
		goleak.VerifyNone(t, before)
	})
	return u
}

// both runs a test on the system's own socket and on the portable one.
func both(t *testing.T, test func(t *testing.T, portable bool)) {
	for _, portable := range []bool{false, true} {
		t.Run("portable="+strconv.FormatBool(portable), func(t *testing.T) { test(t, portable) })
	}
}

// own lists the machine's addresses, except those that need a zone.
func own(t testing.TB) (addresses []netip.Addr) {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		p, err := netip.ParsePrefix(a.String())
		if err != nil {
			t.Fatal(err)
		}
		if !p.Addr().IsLinkLocalUnicast() {
			addresses = append(addresses, p.Addr())
		}
	}
	return addresses
}

// loopbacks are the machine's loopback addresses, one of each family that it has.
func loopbacks(t testing.TB) []string {
	t.Helper()
	if slices.Contains(own(t), netip.IPv6Loopback()) {
		return []string{"127.0.0.1", "::1"}
	}
	return []string{"127.0.0.1"}
}

// dial opens a client's socket towards the port at one of the machine's addresses.
func dial(t testing.TB, u *UDP, host string) *net.UDPConn {
	t.Helper()
	c, err := net.Dial("udp", net.JoinHostPort(host, strconv.Itoa(int(u.LocalAddr().Port()))))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.(*net.UDPConn)
}

func write(t testing.TB, c io.Writer, b []byte) {
	t.Helper()
	if _, err := c.Write(b); err != nil {
		t.Fatal(err)
	}
}

// receive reads one packet.
func receive(t testing.TB, c net.PacketConn) ([]byte, netip.AddrPort) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 4096)
	n, from, err := c.ReadFrom(b)
	if err != nil {
		t.Fatal(err)
	}
	return b[:n], from.(*net.UDPAddr).AddrPort()
}

// stun makes a STUN message of a type.
func stun(kind uint16, attributes ...byte) []byte {
	b := append(make([]byte, 20), attributes...)
	binary.BigEndian.PutUint16(b, kind)
	binary.BigEndian.PutUint16(b[2:], uint16(len(attributes)))
	binary.BigEndian.PutUint32(b[4:], 0x2112A442)
	return b
}

// padded is a packet of n bytes that begins with head.
func padded(n int, head ...byte) []byte { return append(head, make([]byte, n-len(head))...) }

var (
	check    = stun(0x0001, 0, 6, 0, 3, 'a', ':', 'b', 0)
	ask      = stun(0x0001)
	allocate = stun(0x0003)
	rtp      = padded(1200, 0x80, 96)
	rtcp     = padded(28, 0x80, 200)
	dtls     = padded(100, 22)
	channel  = padded(100, 0x40)
	garbage  = padded(100, 0xff)
)

func TestEachPacketGoesWhereItBelongs(t *testing.T) {
	both(t, func(t *testing.T, portable bool) {
		u := openUDP(t, "127.0.0.1:0", portable)
		c := dial(t, u, "127.0.0.1")
		from := c.LocalAddr().(*net.UDPAddr).AddrPort()
		to := map[net.PacketConn][][]byte{u.Media(): {check, dtls, rtp, rtcp}, u.Relay(): {ask, allocate, channel}}
		for share, packets := range to {
			for _, p := range packets {
				write(t, c, garbage)
				write(t, c, p)
				if got, at := receive(t, share); !bytes.Equal(got, p) || at != from {
					t.Errorf("got %x from %s, sent %x from %s", got, at, p, from)
				}
			}
		}
		want := [firstbytes.Kinds]uint64{firstbytes.Garbage: 7, firstbytes.ICE: 1, firstbytes.DTLS: 1, firstbytes.RTP: 1, firstbytes.RTCP: 1, firstbytes.Relay: 3}
		if got := u.Stats(); got != (UDPStats{Received: want}) {
			t.Errorf("%+v", got)
		}
	})
}

func TestBothFamiliesOnOnePort(t *testing.T) {
	both(t, func(t *testing.T, portable bool) {
		u := openUDP(t, ":0", portable)
		if a := u.Media().LocalAddr().(*net.UDPAddr); !a.IP.IsUnspecified() || a.IP.To4() != nil || a.Port == 0 {
			t.Errorf("bound to %s", a)
		}
		for _, host := range loopbacks(t) {
			c := dial(t, u, host)
			write(t, c, check)
			_, from := receive(t, u.Media())
			if from != c.LocalAddr().(*net.UDPAddr).AddrPort() {
				t.Errorf("from %s, want %s", from, c.LocalAddr())
			}
			if _, err := u.Media().WriteTo(rtp, net.UDPAddrFromAddrPort(from)); err != nil {
				t.Fatal(err)
			}
			if got, _ := receive(t, c); !bytes.Equal(got, rtp) {
				t.Errorf("answered with %x", got)
			}
		}
	})
}

func TestOneAddressOnly(t *testing.T) {
	both(t, func(t *testing.T, portable bool) {
		u := openUDP(t, "0.0.0.0:0", portable)
		if a := u.LocalAddr().Addr(); a != netip.IPv4Unspecified() {
			t.Errorf("bound to %s", a)
		}
		if err := u.Send(rtp, netip.MustParseAddrPort("[::1]:9")); err == nil {
			t.Error("IPv6 leaves an IPv4 socket")
		}
		if len(loopbacks(t)) > 1 {
			six := openUDP(t, "[::1]:0", portable)
			if err := six.Send(rtp, netip.MustParseAddrPort("127.0.0.1:9")); err == nil {
				t.Error("IPv4 leaves an IPv6 socket")
			}
		}
		if _, err := ListenUDP(UDPConfig{Address: u.LocalAddr().String(), Portable: portable}); err == nil {
			t.Error("the port was opened twice")
		}
		if _, err := ListenUDP(UDPConfig{Address: "nonsense", Portable: portable}); err == nil {
			t.Error("nonsense is an address")
		}
	})
}

func TestWhatIsTooLongIsDropped(t *testing.T) {
	both(t, func(t *testing.T, portable bool) {
		u := openUDP(t, "127.0.0.1:0", portable)
		c := dial(t, u, "127.0.0.1")
		write(t, c, padded(largest+1, 0x80, 96))
		write(t, c, padded(largest, 0x80, 96))
		if got, _ := receive(t, u.Media()); len(got) != largest {
			t.Errorf("got %d bytes", len(got))
		}
		if got := u.Stats().TooLong; got != 1 {
			t.Errorf("%d were too long", got)
		}
		if err := u.Send(make([]byte, 1<<16), netip.MustParseAddrPort("127.0.0.1:9")); err == nil {
			t.Error("sent 65536 bytes")
		}
	})
}

func TestAFullQueueLosesOnlyItsOwn(t *testing.T) {
	u := openUDP(t, "127.0.0.1:0", false)
	send, detach, err := u.Attach(netip.MustParseAddrPort("192.0.0.8:1"), func([]byte, netip.AddrPort) {})
	if err != nil {
		t.Fatal(err)
	}
	defer detach()
	const more = 100
	for range mediaQueue + more {
		send(rtp, u.LocalAddr())
	}
	if got := u.Stats().MediaLost; got != more {
		t.Errorf("lost %d, want %d", got, more)
	}
	write(t, dial(t, u, "127.0.0.1"), allocate)
	if got, _ := receive(t, u.Relay()); !bytes.Equal(got, allocate) {
		t.Errorf("the relay got %x", got)
	}
	if got := u.Stats().RelayLost; got != 0 {
		t.Errorf("the relay lost %d", got)
	}
}

func TestInterceptSeesFirst(t *testing.T) {
	u := openUDP(t, "127.0.0.1:0", false)
	var mu sync.Mutex
	var seen []firstbytes.Kind
	u.Intercept(func(kind firstbytes.Kind, packet []byte, _ netip.AddrPort) bool {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, kind)
		return kind == firstbytes.RTP
	})
	c := dial(t, u, "127.0.0.1")
	for _, p := range [][]byte{garbage, allocate, rtp, rtcp} {
		write(t, c, p)
	}
	if got, _ := receive(t, u.Media()); !bytes.Equal(got, rtcp) {
		t.Errorf("what was taken arrived all the same: %x", got)
	}
	mu.Lock()
	if len(seen) != 2 || seen[0] != firstbytes.RTP || seen[1] != firstbytes.RTCP {
		t.Errorf("saw %v", seen)
	}
	mu.Unlock()
	u.Intercept(nil)
	write(t, c, rtp)
	if got, _ := receive(t, u.Media()); !bytes.Equal(got, rtp) {
		t.Errorf("got %x", got)
	}
}

func TestDeadlines(t *testing.T) {
	u := openUDP(t, "127.0.0.1:0", false)
	m, b := u.Media(), make([]byte, 100)
	read := func() error { _, _, err := m.ReadFrom(b); return err }
	m.SetReadDeadline(time.Now().Add(-time.Second))
	if err := read(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("past: %v", err)
	}
	m.SetReadDeadline(time.Now().Add(time.Millisecond))
	if err := read(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("soon: %v", err)
	}
	m.SetReadDeadline(time.Now().Add(time.Hour))
	failed := make(chan error)
	go func() { failed <- read() }()
	m.SetReadDeadline(time.Now()) // moved while somebody waits
	if err := <-failed; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("moved: %v", err)
	}
	m.SetDeadline(time.Now())
	if _, err := m.WriteTo(rtp, net.UDPAddrFromAddrPort(u.LocalAddr())); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("write: %v", err)
	}
	m.SetDeadline(time.Time{})
	if _, err := m.WriteTo(rtp, net.UDPAddrFromAddrPort(u.LocalAddr())); err != nil {
		t.Error(err)
	}
	if got, _ := receive(t, m); !bytes.Equal(got, rtp) {
		t.Errorf("got %x", got)
	}
	if _, err := m.WriteTo(rtp, &net.TCPAddr{}); !errors.Is(err, errNoUDPAddress) {
		t.Errorf("to a TCP address: %v", err)
	}
}

func TestClosingOneShareLeavesTheOther(t *testing.T) {
	u := openUDP(t, "127.0.0.1:0", false)
	failed := make(chan error)
	go func() {
		_, _, err := u.Media().ReadFrom(make([]byte, 10))
		failed <- err
	}()
	u.Media().Close()
	if err := <-failed; !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	if _, err := u.Media().WriteTo(rtp, net.UDPAddrFromAddrPort(u.LocalAddr())); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	if err := u.Media().SetDeadline(time.Now()); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	write(t, dial(t, u, "127.0.0.1"), allocate)
	receive(t, u.Relay())
}

func TestCloseEndsEverybody(t *testing.T) {
	both(t, func(t *testing.T, portable bool) {
		u := openUDP(t, ":0", portable)
		c := dial(t, u, "127.0.0.1")
		var busy sync.WaitGroup
		for _, share := range []net.PacketConn{u.Media(), u.Relay()} {
			busy.Go(func() {
				for {
					if _, _, err := share.ReadFrom(make([]byte, largest)); err != nil {
						return
					}
				}
			})
			busy.Go(func() {
				for {
					if _, err := share.WriteTo(rtp, c.LocalAddr()); err != nil {
						return
					}
				}
			})
		}
		for range 100 {
			write(t, c, rtp)
		}
		if err := u.Close(); err != nil {
			t.Error(err)
		}
		busy.Wait()
		if err := u.Close(); err != nil {
			t.Error("closed twice:", err)
		}
		if err := u.Send(rtp, netip.MustParseAddrPort("127.0.0.1:9")); !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
}
