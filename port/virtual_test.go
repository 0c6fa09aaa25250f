package port

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"testing"

	"neochat/port/firstbytes"
)

func TestVirtualPeer(t *testing.T) {
	for _, address := range []string{"192.0.0.8:4000", "[100::7]:4000"} {
		t.Run(address, func(t *testing.T) {
			u := openUDP(t, "127.0.0.1:0", false)
			at := netip.MustParseAddrPort(address)
			type delivery struct {
				packet []byte
				from   netip.AddrPort
			}
			var got []delivery // written by our own sends
			send, detach, err := u.Attach(at, func(p []byte, from netip.AddrPort) { got = append(got, delivery{bytes.Clone(p), from}) })
			if err != nil {
				t.Fatal(err)
			}
			answer := func(p []byte) {
				if _, err := u.Media().WriteTo(p, net.UDPAddrFromAddrPort(at)); err != nil {
					t.Fatal(err)
				}
			}
			answer(check) // it has not spoken yet
			first, second := netip.MustParseAddrPort("10.0.0.1:7"), netip.MustParseAddrPort("10.0.0.2:7")
			for _, to := range []netip.AddrPort{first, second} {
				send(check, to)
				if p, from := receive(t, u.Media()); !bytes.Equal(p, check) || from != at {
					t.Errorf("got %x from %s", p, from)
				}
				answer(rtp)
			}
			if len(got) != 2 || got[0].from != first || got[1].from != second || !bytes.Equal(got[1].packet, rtp) {
				t.Errorf("delivered %d: %v", len(got), got)
			}
			detach()
			detach()
			send(check, first)
			answer(rtp)
			if s := u.Stats(); len(got) != 2 || s.Unheard != 2 || s.Received[firstbytes.ICE] != 2 {
				t.Errorf("after the end: %d delivered, %+v", len(got), s)
			}
		})
	}
}

func TestVirtualPeersReachOnlyPeers(t *testing.T) {
	u := openUDP(t, "127.0.0.1:0", false)
	send, detach, err := u.Attach(netip.MustParseAddrPort("192.0.0.8:1"), func([]byte, netip.AddrPort) {})
	if err != nil {
		t.Fatal(err)
	}
	defer detach()
	for _, p := range [][]byte{allocate, ask, channel, garbage, nil, padded(largest+1, 0x80, 96)} {
		send(p, u.LocalAddr())
	}
	send(rtp, u.LocalAddr())
	if p, _ := receive(t, u.Media()); !bytes.Equal(p, rtp) {
		t.Errorf("got %x", p)
	}
	if s := u.Stats(); s.Received[firstbytes.Relay] != 0 || s.Received[firstbytes.Garbage] != 5 || s.TooLong != 1 {
		t.Errorf("%+v", s)
	}
}

func TestVirtualAddressesComeFromNoWire(t *testing.T) {
	u := openUDP(t, "127.0.0.1:0", false)
	for _, a := range []string{"192.0.0.8:9", "[::ffff:192.0.0.8]:9", "[100::1]:9"} {
		u.arrived(check, netip.MustParseAddrPort(a))
	}
	if s := u.Stats(); s.Received[firstbytes.Garbage] != 3 {
		t.Errorf("%+v", s)
	}
}

func TestAttachRefuses(t *testing.T) {
	u := openUDP(t, "127.0.0.1:0", false)
	for _, a := range []string{"192.0.0.9:1", "127.0.0.1:1", "[100:0:0:1::1]:1", "192.0.0.8:0"} {
		if _, _, err := u.Attach(netip.MustParseAddrPort(a), nil); !errors.Is(err, ErrNotVirtual) {
			t.Errorf("%s: %v", a, err)
		}
	}
	at := netip.MustParseAddrPort("192.0.0.8:1")
	_, detach, err := u.Attach(at, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := u.Attach(at, nil); !errors.Is(err, ErrTaken) {
		t.Error(err)
	}
	detach()
	_, detach, err = u.Attach(at, nil)
	if err != nil {
		t.Fatal(err)
	}
	detach()
}
