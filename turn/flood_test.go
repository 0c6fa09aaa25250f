package turn

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/pion/stun/v4"
)

// TestFlood: requests from everywhere that nobody stands behind leave nothing
// behind, and are answered by little.
func TestFlood(t *testing.T) {
	g := newRig(t, insideOnly(newMedia()))
	ask := stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodAllocate, stun.ClassRequest), transport(17)).Raw
	forged := stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodAllocate, stun.ClassRequest), transport(17),
		stun.NewUsername("1800000000:x"), stun.NewRealm("neochat"), stun.NewNonce("nonce"), stun.MessageIntegrity("key")).Raw
	binding := stun.MustBuild(stun.TransactionID, stun.BindingRequest).Raw
	from := func(i int, packets ...[]byte) {
		d := net.Dialer{LocalAddr: &net.UDPAddr{IP: net.IPv4(127, 2, byte(i>>8), byte(i))}}
		conn, err := d.DialContext(context.Background(), "udp", g.udp.String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		buf := make([]byte, 4096)
		for _, p := range packets {
			if _, err := conn.Write(p); err != nil {
				t.Fatal(err)
			}
			n, err := conn.Read(buf)
			if err != nil {
				t.Fatal(err)
			}
			most := 100 // code, realm and nonce
			if p[1] == 1 {
				most = 40 // the address that a Binding asks for
			}
			if n > most {
				t.Errorf("%d bytes are answered by %d", len(p), n)
			}
		}
	}
	from(0, ask, forged, binding)
	heap, running := heapInUse(), runtime.NumGoroutine()
	for i := range 3000 {
		from(i, ask, forged, binding)
	}
	if more := heapInUse() - heap; more > 512<<10 {
		t.Errorf("the heap has grown by %d bytes", more)
	}
	if more := runtime.NumGoroutine() - running; more > 0 {
		t.Errorf("%d goroutines more", more)
	}
	if s := g.Stats(); fmt.Sprint(s.Allocated) != "map[tcp:0 tls:0 udp:0]" {
		t.Errorf("%v", s.Allocated)
	}
}

// TestGarbage: random datagrams, and good ones with random damage, are dropped, and the relay goes on.
func TestGarbage(t *testing.T) {
	m := newMedia()
	g := newRig(t, insideOnly(m))
	a := g.askerFor(t, UDP, "alice", "")
	if code := a.allocate(); code != 0 {
		t.Fatalf("allocating answers %d", code)
	}
	a.want(0, stun.MethodChannelBind, channel(0x4000), peerAttr(m.addrs[0]))
	good := [][]byte{
		sendTo(m.addrs[0], []byte("payload")),
		stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodAllocate, stun.ClassRequest), transport(17), stun.NewUsername(a.user),
			stun.NewRealm("neochat"), stun.NewNonce(string(a.nonce)), stun.MessageIntegrity("key")).Raw,
		{0x40, 0, 0, 4, 1, 2, 3, 4},
		randomBytes(40),
	}
	b := g.asker(t, UDP, "", "")
	for i := range 5000 {
		damaged := append([]byte(nil), good[i%len(good)]...)
		for range 1 + rand.IntN(4) {
			damaged[rand.IntN(len(damaged))] = byte(rand.Uint32())
		}
		damaged = damaged[:rand.IntN(len(damaged)+1)]
		b.say(damaged)
	}
	eventually(t, "the relay answers", func() bool {
		a.want(0, stun.MethodRefresh, lifetime(600))
		return true
	})
}
