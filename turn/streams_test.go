package turn

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pion/stun/v4"
)

// closedBy waits until the relay closes a connection.
func closedBy(t testing.TB, conn net.Conn) {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.Copy(io.Discard, conn); err != nil && strings.Contains(err.Error(), "timeout") {
		t.Fatal("the connection stays open")
	}
}

func (g *rig) dial(t testing.TB) net.Conn {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(context.Background(), "tcp", g.tcp.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// cpu is what this process has used.
func cpu(t testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestBadFrames: what is no frame of ours is the last thing on its connection, and costs nothing.
func TestBadFrames(t *testing.T) {
	g := newRig(t, insideOnly(newMedia()))
	message := stun.MustBuild(stun.TransactionID, stun.BindingRequest).Raw
	long := bytes.Clone(message)
	binary.BigEndian.PutUint16(long[2:], 0xfffc)
	odd := bytes.Clone(message)
	binary.BigEndian.PutUint16(odd[2:], 3)
	frames := map[string][]byte{
		"16 bytes that made a version of the library spin": append([]byte{0x40, 0, 0xff, 0xfc}, make([]byte, 12)...),
		"ChannelData of 65535 bytes":                       {0x40, 0, 0xff, 0xff},
		"ChannelData of 2045 bytes":                        {0x4f, 0xff, 0x07, 0xfd},
		"a message of 65532 bytes":                         long,
		"a message of 3 bytes":                             odd,
		"another cookie":                                   {0, 1, 0, 0, 1, 2, 3, 4},
		"HTTP":                                             []byte("GET / HTTP/1.1\r\n\r\n"),
		"a TLS hello":                                      {22, 3, 1, 2, 0},
	}
	before := cpu(t)
	for name, b := range frames {
		t.Run(name, func(t *testing.T) {
			conn := g.dial(t)
			if _, err := conn.Write(b); err != nil {
				t.Fatal(err)
			}
			closedBy(t, conn)
		})
	}
	if s := g.Stats(); s.Refused["connection_frame"] != uint64(len(frames)) {
		t.Errorf("%v", s.Refused)
	}
	if used := cpu(t) - before; used > 2*time.Second {
		t.Errorf("it took %v of CPU", used)
	}
	eventually(t, "no connection is left", func() bool { return g.Stats().Connections == 0 })
}

// TestSlowConnections: who says nothing, or too slowly, or nothing that logs in, does not stay.
func TestSlowConnections(t *testing.T) {
	m := newMedia()
	g := newRig(t, func(c *Config) {
		c.Inside, c.Limits.StreamTimeout, c.Limits.FrameTimeout = m, 700*time.Millisecond, 300*time.Millisecond
	})
	binding := stun.MustBuild(stun.TransactionID, stun.BindingRequest).Raw
	stays := g.askerFor(t, TCP, "alice", "")
	if code := stays.allocate(); code != 0 {
		t.Fatalf("allocating answers %d", code)
	}
	stays.want(0, stun.MethodChannelBind, channel(0x4000), peerAttr(m.addrs[0]))
	var all sync.WaitGroup
	for _, talk := range []func(net.Conn){
		func(net.Conn) {},
		func(c net.Conn) { // one byte at a time
			for _, b := range binding {
				_, _ = c.Write([]byte{b})
				time.Sleep(50 * time.Millisecond)
			}
		},
		func(c net.Conn) { // whole messages, and never a login
			for range 60 {
				_, _ = c.Write(binding)
				time.Sleep(50 * time.Millisecond)
			}
		},
	} {
		conn := g.dial(t)
		all.Go(func() { talk(conn) })
		all.Go(func() { closedBy(t, conn) })
	}
	all.Wait()
	if s := g.Stats(); s.Connections != 1 || s.Refused["connection_idle"] != 2 || s.Refused["connection_frame"] != 1 {
		t.Errorf("%+v", s)
	}
	stays.channelData(0x4000, 4, []byte("ping")) // with an allocation it may be silent
	if b := stays.next(); string(b[4:]) != "ping" {
		t.Errorf("the echo is %q", b)
	}
	stays.say([]byte{0x40, 0, 0, 4, 'p'}) // but not in the middle of a frame
	closedBy(t, stays.conn)
	eventually(t, "its allocation is gone", func() bool { n, _ := m.count(); return n == 0 })
}

// TestAfterTheAllocation: a connection whose allocation is over is idle again.
func TestAfterTheAllocation(t *testing.T) {
	g := newRig(t, func(c *Config) { c.Inside, c.Limits.StreamTimeout = newMedia(), 500*time.Millisecond })
	a := g.askerFor(t, TCP, "alice", "")
	if code := a.allocate(); code != 0 {
		t.Fatalf("allocating answers %d", code)
	}
	time.Sleep(time.Second)
	a.want(0, stun.MethodRefresh, lifetime(0))
	closedBy(t, a.conn)
}

// TestTooManyConnections: of one address, and of all.
func TestTooManyConnections(t *testing.T) {
	g := newRig(t, func(c *Config) { c.Inside, c.Limits.Streams, c.Limits.StreamsPerAddress = newMedia(), 5, 3 })
	from := func(addr string) net.Conn {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(addr)}}
		conn, err := d.DialContext(context.Background(), "tcp", g.tcp.String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	open := func(n int64) { eventually(t, "they are open", func() bool { return g.Stats().Connections == n }) }
	first := from("127.0.0.2")
	from("127.0.0.2")
	from("127.0.0.2")
	open(3)
	closedBy(t, from("127.0.0.2"))
	from("127.0.0.3")
	from("127.0.0.4")
	open(5)
	closedBy(t, from("127.0.0.5"))
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	open(4)
	from("127.0.0.2")
	open(5)
	if r := g.Stats().Refused; r["connections"] != 1 || r["connections_of_address"] != 1 {
		t.Errorf("%v", r)
	}
}

// TestDeafConnection: a client that does not read loses packets, and nobody waits for it.
func TestDeafConnection(t *testing.T) {
	m := newMedia()
	g := newRig(t, func(c *Config) { c.Inside, c.Limits.BytesPerSecond, c.Limits.TotalBytesPerSecond = m, 1<<40, 1<<40 })
	a := g.askerFor(t, TCP, "alice", "")
	if code := a.allocate(); code != 0 {
		t.Fatalf("allocating answers %d", code)
	}
	a.want(0, stun.MethodChannelBind, channel(0x4000), peerAttr(m.addrs[0]))
	m.mu.Lock()
	var deliver func([]byte, netip.AddrPort)
	for _, deliver = range m.attached {
	}
	m.mu.Unlock()
	packet := make([]byte, 1200)
	for range 100_000 {
		deliver(packet, m.addrs[0])
	}
	if s := g.Stats(); s.Dropped["queue_full"] == 0 {
		t.Errorf("%v", s.Dropped)
	}
}

// TestLogsSayNothingOfClients: nothing that a client writes gets to the operator's log.
func TestLogsSayNothingOfClients(t *testing.T) {
	var log strings.Builder
	var mu sync.Mutex
	m := newMedia()
	g := newRig(t, func(c *Config) {
		c.Inside = m
		c.Logger = slog.New(slog.NewTextHandler(writerFunc(func(p []byte) (int, error) {
			mu.Lock()
			defer mu.Unlock()
			return log.Write(p)
		}), &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	a := g.asker(t, UDP, "1800000000:\x1b[2J forged line\nlevel=ERROR", "x")
	a.login()
	a.want(stun.CodeUnauthorized, stun.MethodAllocate, transport(17))
	b := g.askerFor(t, UDP, "alice", "")
	if code := b.allocate(); code != 0 {
		t.Fatalf("allocating answers %d", code)
	}
	b.want(0, stun.MethodChannelBind, channel(0x4000), peerAttr(m.addrs[0]))
	b.want(stun.CodeBadRequest, stun.MethodChannelBind, channel(0x4001), peerAttr(m.addrs[0]))
	b.want(stun.CodeUnknownAttribute, stun.MethodRefresh, stun.RawAttribute{Type: 0x7001})
	if s := g.Stats(); s.Complaints != 2 {
		t.Errorf("%d complaints of the library", s.Complaints)
	}
	mu.Lock()
	defer mu.Unlock()
	if log.Len() != 0 {
		t.Errorf("logged: %s", log.String())
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
