package turn

import (
	"bytes"
	"net"
	"net/netip"
	"testing"

	"github.com/pion/stun/v4"
)

func sendTo(peer netip.AddrPort, payload []byte, more ...stun.Setter) []byte {
	return stun.MustBuild(append([]stun.Setter{
		stun.TransactionID, stun.NewType(stun.MethodSend, stun.ClassIndication),
		peerAttr(peer), stun.RawAttribute{Type: stun.AttrData, Value: payload},
	}, more...)...).Raw
}

// peerAttr is an XOR-PEER-ADDRESS.
func peerAttr(peer netip.AddrPort) stun.Setter { return xorPeer(peer) }

type xorPeer netip.AddrPort

func (p xorPeer) AddTo(m *stun.Message) error {
	a := netip.AddrPort(p)
	x := stun.XORMappedAddress{IP: net.IP(a.Addr().AsSlice()), Port: int(a.Port())}
	return x.AddToAs(m, stun.AttrXORPeerAddress)
}

func TestParseSend(t *testing.T) {
	for _, to := range []string{"198.41.0.4:53", "[2001:503:ba3e::2:30]:65535"} {
		peer := netip.MustParseAddrPort(to)
		for _, n := range []int{0, 1, 2, 3, 4, 1200} {
			payload := randomBytes(n)
			b := sendTo(peer, payload, stun.NewSoftware("x"))
			if s, ok := parseSend(b); !isMessage(b) || !ok || s.to != peer || !bytes.Equal(s.payload, payload) {
				t.Errorf("%d bytes to %v read %d to %v, %v", n, peer, len(s.payload), s.to, ok)
			}
		}
		for name, more := range map[string]stun.Setter{
			"DONT-FRAGMENT": stun.RawAttribute{Type: stun.AttrDontFragment},
			"unknown":       stun.RawAttribute{Type: 0x7001},
		} {
			if _, ok := parseSend(sendTo(peer, nil, more)); ok {
				t.Errorf("%s is taken", name)
			}
		}
	}
	if _, ok := parseSend(stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodSend, stun.ClassIndication)).Raw); ok {
		t.Error("a Send to nobody is taken")
	}
}

// TestWrap reads what is made for clients with the library's reader.
func TestWrap(t *testing.T) {
	for _, from := range []string{"198.41.0.4:53", "[2001:503:ba3e::2:30]:65535"} {
		for _, n := range []int{0, 1, 2, 3, 4, 1200, maxPayload} {
			peer, payload := netip.MustParseAddrPort(from), randomBytes(n)
			var f frame
			copy(f.buf[:], randomBytes(len(f.buf)))
			copy(f.buf[headroom:], payload)
			b := wrap(f.buf[:], n, peer, 0)
			m := stun.Message{Raw: b}
			if err := m.Decode(); err != nil || !isMessage(b) || m.Type != stun.NewType(stun.MethodData, stun.ClassIndication) {
				t.Fatalf("%d bytes from %v: %v, %v", n, peer, m.Type, err)
			}
			var x stun.XORMappedAddress
			if err := x.GetFromAs(&m, stun.AttrXORPeerAddress); err != nil || x.String() != peer.String() {
				t.Errorf("%d bytes from %v: from %v, %v", n, peer, x, err)
			}
			if data, err := m.Get(stun.AttrData); err != nil || !bytes.Equal(data, payload) {
				t.Errorf("%d bytes from %v: %d bytes, %v", n, peer, len(data), err)
			}
			if b := wrap(f.buf[:], n, peer, 0x4001); b[0] != 0x40 || b[1] != 1 || int(b[2])<<8+int(b[3]) != n || !bytes.Equal(b[4:], payload) {
				t.Errorf("%d bytes on a channel: % x", n, b[:4])
			}
		}
	}
}

// FuzzMessage: whatever is sent, nothing of it is read beyond its end, and what is
// taken for whole is so for the library too.
func FuzzMessage(f *testing.F) {
	f.Add(sendTo(netip.MustParseAddrPort("198.41.0.4:53"), []byte("payload")))
	f.Add(stun.MustBuild(stun.TransactionID, stun.BindingRequest).Raw)
	f.Add([]byte{0x40, 0, 0xff, 0xfc})
	f.Fuzz(func(t *testing.T, b []byte) {
		if size, ok := frameSize(b); ok && size > maxFrame {
			t.Errorf("a frame of %d bytes is waited for", size)
		}
		if !isMessage(b) {
			return
		}
		s, ok := parseSend(b)
		if ok && (len(s.payload) > len(b) || !s.to.IsValid()) {
			t.Errorf("%d bytes of %d to %v", len(s.payload), len(b), s.to)
		}
		m := stun.Message{Raw: bytes.Clone(b)}
		if err := m.Decode(); ok && err != nil {
			t.Errorf("taken, but %v", err)
		}
	})
}
