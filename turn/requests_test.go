package turn

import (
	"bytes"
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/stun/v4"
)

// clock is one that tests move.
type clock struct{ ns atomic.Int64 }

func newClock() *clock {
	c := new(clock)
	c.ns.Store(time.Now().UnixNano())
	return c
}

func (c *clock) now() time.Time       { return time.Unix(0, c.ns.Load()) }
func (c *clock) move(d time.Duration) { c.ns.Add(int64(d)) }

func (a *asker) want(code stun.ErrorCode, method stun.Method, attrs ...stun.Setter) {
	a.t.Helper()
	if got := a.code(method, attrs...); got != code {
		a.t.Errorf("%v answers %d, not %d", method, got, code)
	}
}

// TestNoOracle: nobody learns from an answer whether a username is one.
func TestNoOracle(t *testing.T) {
	g := newRig(t, insideOnly(newMedia()))
	good, pass, _, err := g.Credentials("alice", "")
	if err != nil {
		t.Fatal(err)
	}
	var shapes []string
	for name, who := range map[string][2]string{
		"wrong password": {good, "wrong"}, "nobody": {"1800000000:nobody", pass}, "no form": {"alice", "alice"}, "empty": {"", ""},
		"long": {string(bytes.Repeat([]byte("u"), 500)), pass},
	} {
		a := g.asker(t, UDP, who[0], who[1])
		a.login()
		m := a.ask(stun.MethodAllocate, transport(17))
		shape := fmt.Sprint(m.Type, len(a.last))
		for _, attr := range m.Attributes {
			shape += fmt.Sprint(" ", attr.Type, attr.Length)
			if attr.Type == stun.AttrErrorCode {
				shape += fmt.Sprint(attr.Value)
			}
		}
		shapes = append(shapes, shape)
		if shape != shapes[0] {
			t.Errorf("%s: %s\ninstead of %s", name, shape, shapes[0])
		}
		var code stun.ErrorCodeAttribute
		if err := code.GetFrom(m); err != nil || code.Code != stun.CodeUnauthorized {
			t.Errorf("%s: %v, %v", name, code, err)
		}
	}
	if s := g.Stats(); s.Refused["credentials"] != 5 || s.Allocated["udp"] != 0 {
		t.Errorf("%+v", s)
	}
}

// TestExpiry: a credential opens allocations until it expires; they live on.
func TestExpiry(t *testing.T) {
	m, c := newMedia(), newClock()
	g := newRig(t, func(cfg *Config) { cfg.Inside, cfg.Now, cfg.Lifetime = m, c.now, time.Minute })
	a, late := g.askerFor(t, UDP, "alice", "phone"), g.askerFor(t, UDP, "alice", "phone")
	if code := a.allocate(); code != 0 {
		t.Fatalf("allocating answers %d", code)
	}
	c.move(59 * time.Second)
	a.want(0, stun.MethodRefresh, lifetime(600))
	c.move(time.Second)
	peer := peerAttr(m.addrs[0])
	a.want(0, stun.MethodRefresh, lifetime(600))
	a.want(0, stun.MethodCreatePermission, peer)
	a.want(0, stun.MethodChannelBind, channel(0x4000), peer)
	if code := late.allocate(); code != stun.CodeUnauthorized {
		t.Errorf("an expired credential allocates: %d", code)
	}
	late.want(stun.CodeUnauthorized, stun.MethodRefresh, lifetime(600))
	a.want(0, stun.MethodRefresh, lifetime(0))
	a.want(stun.CodeUnauthorized, stun.MethodRefresh, lifetime(600))
	if code := a.allocate(); code != stun.CodeUnauthorized {
		t.Errorf("an expired credential allocates again: %d", code)
	}
}

// TestOthersAllocation: an allocation is its user's alone.
func TestOthersAllocation(t *testing.T) {
	m := newMedia()
	g := newRig(t, insideOnly(m))
	a := g.askerFor(t, UDP, "alice", "phone")
	a.login()
	a.want(stun.CodeAllocMismatch, stun.MethodRefresh, lifetime(600))
	a.want(stun.CodeAllocMismatch, stun.MethodCreatePermission, peerAttr(m.addrs[0]))
	a.want(stun.CodeAllocMismatch, stun.MethodChannelBind, channel(0x4000), peerAttr(m.addrs[0]))
	if code := a.allocate(); code != 0 {
		t.Fatalf("allocating answers %d", code)
	}
	if code := a.allocate(); code != stun.CodeAllocMismatch {
		t.Errorf("allocating again answers %d", code)
	}
	alice, password := a.user, a.pass
	var err error
	if a.user, a.pass, _, err = g.Credentials("mallory", "phone"); err != nil {
		t.Fatal(err)
	}
	a.want(stun.CodeWrongCredentials, stun.MethodRefresh, lifetime(0))
	a.want(stun.CodeWrongCredentials, stun.MethodCreatePermission, peerAttr(m.addrs[0]))
	a.want(stun.CodeWrongCredentials, stun.MethodChannelBind, channel(0x4000), peerAttr(m.addrs[0]))
	a.user, a.pass = alice, password
	a.want(0, stun.MethodRefresh, lifetime(600))
	if s := g.Stats(); s.Refused["wrong_user"] != 3 || s.Refused["no_allocation"] != 3 {
		t.Errorf("%+v", s.Refused)
	}
}

// TestNothingButInside: without being told so by its operator, the relay reaches its own media only.
func TestNothingButInside(t *testing.T) {
	m := newMedia()
	g := newRig(t, insideOnly(m))
	a := g.askerFor(t, UDP, "alice", "")
	if code := a.allocate(); code != 0 {
		t.Fatalf("allocating answers %d", code)
	}
	for _, peer := range []string{"127.0.0.1:80", "198.41.0.4:53", "203.0.113.8:5000", "10.0.0.1:22", "169.254.169.254:80", "192.0.0.8:1024"} {
		a.want(stun.CodeForbidden, stun.MethodCreatePermission, mustPeer(peer))
		a.want(stun.CodeForbidden, stun.MethodChannelBind, channel(0x4000), mustPeer(peer))
	}
	a.want(stun.CodeForbidden, stun.MethodChannelBind, channel(0x4000), mustPeer("203.0.113.7:22")) // the media's address, not its port
	a.want(0, stun.MethodCreatePermission, mustPeer("203.0.113.7:0"))
	a.want(stun.CodePeerAddrFamilyMismatch, stun.MethodCreatePermission, mustPeer("[2001:db8::7]:5000"))
	a.want(0, stun.MethodChannelBind, channel(0x4001), peerAttr(m.addrs[0]))
	a.want(stun.CodeBadRequest, stun.MethodChannelBind, channel(0x4002), peerAttr(m.addrs[0])) // it has a channel
	a.want(stun.CodeBadRequest, stun.MethodChannelBind, channel(0x3fff), peerAttr(m.addrs[0]))
	a.want(stun.CodeBadRequest, stun.MethodCreatePermission)

	a.say(sendTo(netip.MustParseAddrPort("203.0.113.7:22"), []byte("not the media's port")))
	a.say(sendTo(netip.MustParseAddrPort("198.41.0.4:53"), []byte("no permission")))
	a.channelData(0x4005, 4, []byte("none"))
	a.channelData(0x4001, 9, []byte("short"))
	a.say(sendTo(m.addrs[0], []byte("ping"), stun.RawAttribute{Type: stun.AttrDontFragment}))
	a.channelData(0x4001, 4, []byte("ping"))
	if b := a.next(); !bytes.Equal(b, []byte{0x40, 1, 0, 4, 'p', 'i', 'n', 'g'}) {
		t.Errorf("the echo is % x", b)
	}
	if _, got := m.count(); got != 1 {
		t.Errorf("the media got %d packets", got)
	}
	d := g.Stats().Dropped
	if d["forbidden"] != 1 || d["no_permission"] != 1 || d["no_channel"] != 1 || d["malformed"] != 2 {
		t.Errorf("dropped: %v", d)
	}
}

// TestWhatIsNotServed: requests for what we do not do are refused as the RFCs say.
func TestWhatIsNotServed(t *testing.T) {
	for _, transportOf := range []Transport{UDP, TCP} {
		t.Run(transportOf.String(), func(t *testing.T) {
			m := newMedia()
			g := newRig(t, insideOnly(m))
			a := g.askerFor(t, transportOf, "alice", "")
			a.login()
			token := stun.RawAttribute{Type: stun.AttrReservationToken, Value: []byte("12345678")}
			even := func(reserve byte) stun.Setter {
				return stun.RawAttribute{Type: stun.AttrEvenPort, Value: []byte{reserve}}
			}
			for name, c := range map[string]struct {
				code  stun.ErrorCode
				attrs []stun.Setter
			}{
				"TCP allocation":        {stun.CodeUnsupportedTransProto, []stun.Setter{transport(6)}},
				"SCTP":                  {stun.CodeUnsupportedTransProto, []stun.Setter{transport(132)}},
				"no transport":          {stun.CodeBadRequest, nil},
				"two ports":             {stun.CodeInsufficientCapacity, []stun.Setter{transport(17), even(0x80)}},
				"a reservation":         {stun.CodeInsufficientCapacity, []stun.Setter{transport(17), token}},
				"both":                  {stun.CodeBadRequest, []stun.Setter{transport(17), token, even(0)}},
				"DONT-FRAGMENT":         {stun.CodeUnknownAttribute, []stun.Setter{transport(17), stun.RawAttribute{Type: stun.AttrDontFragment}}},
				"an unknown attribute":  {stun.CodeUnknownAttribute, []stun.Setter{transport(17), stun.RawAttribute{Type: 0x7001, Value: []byte{1}}}},
				"no such family":        {stun.CodeAddrFamilyNotSupported, []stun.Setter{transport(17), stun.RawAttribute{Type: stun.AttrRequestedAddressFamily, Value: []byte{9, 0, 0, 0}}}},
				"a lifetime of nothing": {stun.CodeInsufficientCapacity, []stun.Setter{transport(17), lifetime(0)}},
			} {
				if got := a.code(stun.MethodAllocate, c.attrs...); got != c.code {
					t.Errorf("%s answers %d, not %d", name, got, c.code)
				}
			}
			// RFC 6062: nobody here knows these methods, so nobody answers (RFC 8489 section 6.3.1).
			for _, method := range []stun.Method{stun.MethodConnect, stun.MethodConnectionBind, 0x0ff} {
				a.say(stun.MustBuild(stun.TransactionID, stun.NewType(method, stun.ClassRequest)).Raw)
			}
			if m := a.ask(stun.MethodBinding); m.Type != stun.BindingSuccess {
				t.Errorf("Binding answers %v", m.Type)
			}
			// RFC 8656 section 7.2: without dual allocations the second family is left out.
			answer := a.ask(stun.MethodAllocate, transport(17), even(0), stun.RawAttribute{Type: 0x8000, Value: []byte{2, 0, 0, 0}})
			var relayed stun.XORMappedAddress
			if err := relayed.GetFromAs(answer, stun.AttrXORRelayedAddress); err != nil || relayed.Port%2 != 0 || answer.Contains(stun.AttrReservationToken) {
				t.Errorf("an even port: %v, %v, %v", relayed, err, answer.Attributes)
			}
			if s := g.Stats(); s.Allocated[transportOf.String()] != 1 || s.Refused["tcp_allocation"] != 1 || s.Refused["method"] != 3 || s.Refused["even_port"] != 1 {
				t.Errorf("%+v", s)
			}
			if n, _ := m.count(); n != 1 {
				t.Errorf("%d are attached", n)
			}
		})
	}
}

// TestIPv6: an IPv6 allocation reaches the media's IPv6 address.
func TestIPv6(t *testing.T) {
	m := newMedia()
	g := newRig(t, insideOnly(m))
	a := g.askerFor(t, UDP, "alice", "")
	a.login()
	answer := a.ask(stun.MethodAllocate, transport(17), stun.RawAttribute{Type: stun.AttrRequestedAddressFamily, Value: []byte{2, 0, 0, 0}})
	var relayed stun.XORMappedAddress
	if err := relayed.GetFromAs(answer, stun.AttrXORRelayedAddress); err != nil || relayed.IP.String() != "100::1" {
		t.Fatalf("%v, %v", relayed, err)
	}
	a.want(stun.CodePeerAddrFamilyMismatch, stun.MethodCreatePermission, peerAttr(m.addrs[0]))
	a.want(0, stun.MethodCreatePermission, peerAttr(m.addrs[1]))
	a.say(sendTo(m.addrs[1], []byte("ping")))
	data := a.hear()
	var from stun.XORMappedAddress
	if err := from.GetFromAs(data, stun.AttrXORPeerAddress); err != nil || from.String() != m.addrs[1].String() {
		t.Errorf("from %v, %v", from, err)
	}
}

// TestQuotas: what an account may have is counted right though all ask at once.
func TestQuotas(t *testing.T) {
	m := newMedia()
	g := newRig(t, func(c *Config) {
		c.Inside, c.Limits.AllocationsPerAccount, c.Limits.Allocations = m, 3, 5
	})
	codes := map[string]map[stun.ErrorCode]int{"alice": {}, "bob": {}}
	for _, account := range []string{"alice", "bob"} {
		var all sync.WaitGroup
		var mu sync.Mutex
		for i := range 12 {
			a := g.askerFor(t, Transport(i%2), account, fmt.Sprint(i))
			all.Go(func() {
				code := a.allocate()
				mu.Lock()
				defer mu.Unlock()
				codes[account][code]++
			})
		}
		all.Wait()
	}
	if c := codes["alice"]; c[0] != 3 || c[stun.CodeAllocQuotaReached] != 9 {
		t.Errorf("alice: %v", c)
	}
	if c := codes["bob"]; c[0] != 2 || c[stun.CodeInsufficientCapacity] != 10 {
		t.Errorf("bob: %v", c)
	}
	g.RevokeAccount("alice")
	eventually(t, "alice's are gone", func() bool { n, _ := m.count(); return n == 2 })
	for range 3 {
		if code := g.askerFor(t, UDP, "alice", "new").allocate(); code != 0 {
			t.Errorf("there is room again: %d", code)
		}
	}
}

// TestManyPermissions: 3,000 of them cost what the limit lets through.
func TestManyPermissions(t *testing.T) {
	g := newRig(t, func(c *Config) { c.Outside, c.Limits.Permissions, c.Limits.Channels = loopback(nil), 50, 20 })
	a := g.askerFor(t, UDP, "alice", "")
	if code := a.allocate(); code != 0 {
		t.Fatalf("allocating answers %d", code)
	}
	heap := heapInUse()
	codes := map[stun.ErrorCode]int{}
	for i := range 3000 {
		codes[a.code(stun.MethodCreatePermission, mustPeer(fmt.Sprintf("127.1.%d.%d:9", i>>8, i&0xff)))]++
	}
	if codes[0] != 50 || codes[stun.CodeInsufficientCapacity] != 2950 {
		t.Errorf("permissions: %v", codes)
	}
	a.want(0, stun.MethodCreatePermission, mustPeer("127.1.0.49:9"))
	codes = map[stun.ErrorCode]int{}
	for i := range 300 {
		codes[a.code(stun.MethodChannelBind, channel(uint16(0x4000+i)), mustPeer(fmt.Sprintf("127.1.0.1:%d", 1000+i)))]++
	}
	if codes[0] != 20 || codes[stun.CodeInsufficientCapacity] != 280 {
		t.Errorf("channels: %v", codes)
	}
	if more := heapInUse() - heap; more > 1<<20 {
		t.Errorf("the heap has grown by %d bytes", more)
	}
}

func heapInUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestRevoke: what was given is taken back at once, what is given afterwards is good.
func TestRevoke(t *testing.T) {
	m, c := newMedia(), newClock()
	g := newRig(t, func(cfg *Config) { cfg.Inside, cfg.Now = m, c.now })
	peer := peerAttr(m.addrs[0])
	askers := map[string]*asker{}
	for i, device := range []string{"phone", "", "desk"} {
		a := g.askerFor(t, Transport(i%2), "alice", device)
		askers[device] = a
		if code := a.allocate(); code != 0 {
			t.Fatalf("allocating answers %d", code)
		}
		a.want(0, stun.MethodChannelBind, channel(0x4000), peer)
	}
	c.move(time.Second)
	began := time.Now()
	g.Revoke("alice", "")
	askers[""].channelData(0x4000, 4, []byte("ping")) // which is lost from now on
	eventually(t, "the plain device's is gone", func() bool { n, _ := m.count(); return n == 2 })
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("it took %v", took)
	}
	askers[""].want(stun.CodeUnauthorized, stun.MethodRefresh, lifetime(600))
	if code := askers[""].allocate(); code != stun.CodeUnauthorized {
		t.Errorf("a revoked credential allocates: %d", code)
	}
	askers["phone"].want(0, stun.MethodRefresh, lifetime(600))
	c.move(time.Second)
	g.RevokeAccount("alice")
	eventually(t, "all are gone", func() bool { n, _ := m.count(); return n == 0 })
	for _, device := range []string{"phone", "desk"} {
		askers[device].want(stun.CodeUnauthorized, stun.MethodRefresh, lifetime(600))
	}
	c.move(time.Second)
	if code := g.askerFor(t, UDP, "alice", "").allocate(); code != 0 {
		t.Errorf("a new credential answers %d", code)
	}
	if _, got := m.count(); got != 0 {
		t.Errorf("%d packets got through", got)
	}
}

// TestQuickSuccession: deleting and allocating again from the same port at once
// never loses the new allocation.
func TestQuickSuccession(t *testing.T) {
	g := newRig(t, insideOnly(newMedia()))
	a := g.askerFor(t, UDP, "alice", "")
	for i := range 300 {
		if code := a.allocate(); code != 0 {
			t.Fatalf("allocation %d answers %d", i, code)
		}
		a.want(0, stun.MethodRefresh, lifetime(600))
		a.want(0, stun.MethodRefresh, lifetime(0))
	}
}

// TestBandwidth: what is above the limit is dropped and counted.
func TestBandwidth(t *testing.T) {
	for _, which := range []string{"bandwidth", "total_bandwidth"} {
		m := newMedia()
		g := newRig(t, func(c *Config) {
			c.Inside = m
			if which == "bandwidth" {
				c.Limits.BytesPerSecond = 2000
			} else {
				c.Limits.TotalBytesPerSecond = 2000
			}
		})
		a := g.askerFor(t, UDP, "alice", "")
		if code := a.allocate(); code != 0 {
			t.Fatalf("allocating answers %d", code)
		}
		a.want(0, stun.MethodChannelBind, channel(0x4000), peerAttr(m.addrs[0]))
		for range 100 {
			a.channelData(0x4000, 1000, make([]byte, 1000))
		}
		a.want(0, stun.MethodRefresh, lifetime(600))
		s := g.Stats()
		if s.Dropped[which] < 90 || s.PacketsToPeers == 0 || s.PacketsToPeers+s.PacketsToClients+s.Dropped[which] < 100 {
			t.Errorf("%s: %+v", which, s)
		}
	}
}

func TestBucket(t *testing.T) {
	b := newBucket(1000)
	now, through := int64(0), 0
	for range 10_000 { // ten seconds, 10 bytes a millisecond
		now += int64(time.Millisecond)
		if b.take(10, now) {
			through += 10
		}
	}
	if through < 10_000 || through > 10_600 { // a burst of half a second on top
		t.Errorf("%d bytes in 10 s at 1000 a second", through)
	}
}
