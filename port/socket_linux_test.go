package port

import (
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"neochat/port/firstbytes"
)

// TestWhatTheSystemLosesIsCounted holds the reader until the socket's buffer is full; then every packet must have arrived or be counted as lost.
func TestWhatTheSystemLosesIsCounted(t *testing.T) {
	u := openUDP(t, "127.0.0.1:0", false)
	s := u.socket.(*linuxSocket)
	if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 64<<10); err != nil {
		t.Fatal(err)
	}
	held, release := make(chan struct{}), make(chan struct{})
	first := true
	u.Intercept(func(firstbytes.Kind, []byte, netip.AddrPort) bool { // called by the reader alone
		if first {
			first = false
			close(held)
			<-release
		}
		return true
	})
	c := dial(t, u, "127.0.0.1")
	write(t, c, rtp)
	<-held
	const flood = 1000
	for range flood {
		write(t, c, rtp)
	}
	close(release)
	for sent := uint64(1 + flood); ; sent++ { // a packet that arrives after the loss tells of it
		write(t, c, rtcp)
		time.Sleep(time.Millisecond)
		stats := u.Stats()
		if got := stats.Received[firstbytes.RTP] + stats.Received[firstbytes.RTCP] + stats.KernelLost; got == sent+1 && stats.KernelLost > 0 {
			return
		}
		if sent == 5*flood {
			t.Fatalf("of %d: %+v", sent+1, stats)
		}
	}
}

// TestNothingIsAllocatedOnTheWay counts allocations of packets in and out, with and without a source that is remembered.
func TestNothingIsAllocatedOnTheWay(t *testing.T) {
	u := openUDP(t, ":0", false)
	u.Intercept(func(firstbytes.Kind, []byte, netip.AddrPort) bool { return true })
	send, detach, err := u.Attach(netip.MustParseAddrPort("192.0.0.8:1"), func([]byte, netip.AddrPort) {})
	if err != nil {
		t.Fatal(err)
	}
	defer detach()
	plain, pinned, virtual := netip.MustParseAddrPort("127.0.0.1:9"), netip.MustParseAddrPort("127.0.0.1:10"), netip.MustParseAddrPort("192.0.0.8:1")
	pin(u, pinned, netip.MustParseAddr("127.0.0.2"))
	local := netip.MustParseAddrPort("127.0.0.1:7")
	for what, f := range map[string]func(){
		"out":          func() { u.Send(rtp, plain) },
		"out, pinned":  func() { u.Send(rtp, pinned) },
		"in":           func() { u.arrived(rtp, plain) },
		"from virtual": func() { send(rtp, local) },
		"to virtual":   func() { u.Send(rtp, virtual) },
	} {
		if n := testing.AllocsPerRun(200, f); n >= 1 {
			t.Errorf("%s: %v allocations", what, n)
		}
	}
}
