package main

import (
	"encoding/json"
	"io"
	"net/netip"

	"neochat/turn"
)

// relay is the child process: our relay, until its input ends.
func relay(o options, in io.Reader, out io.Writer) error {
	cfg := turn.Config{
		Secret: []byte("not much of a secret"), Realm: "bench",
		Limits: turn.Limits{AllocationsPerAccount: 1000, BytesPerSecond: 1 << 40, TotalBytesPerSecond: 1 << 40},
	}
	if o.inside {
		cfg.Inside = mirror{}
	} else {
		loopback := netip.MustParseAddr("127.0.0.1")
		cfg.Outside = &turn.Outside{Addresses: []turn.RelayAddress{{Bind: loopback}}, Allow: []netip.Prefix{netip.PrefixFrom(loopback, 8)}}
	}
	r, err := turn.New(cfg)
	if err != nil {
		return err
	}
	defer r.Close()
	conn, err := turn.ListenUDP(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		return err
	}
	if err := r.ServeUDP(conn); err != nil {
		return err
	}
	p := process{Addr: conn.LocalAddr().String(), Realm: "bench"}
	if o.inside {
		p.Peer = mirrored
	}
	if p.User, p.Pass, _, err = r.Credentials("bench", ""); err != nil {
		return err
	}
	if err := json.NewEncoder(out).Encode(p); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, in)
	return err
}

// mirrored is where the mirror stands.
const mirrored = "203.0.113.7:5000"

// mirror is media that sends everything back.
type mirror struct{}

func (mirror) Hosts(a netip.Addr) bool       { return a == netip.MustParseAddrPort(mirrored).Addr() }
func (mirror) Reaches(a netip.AddrPort) bool { return a.Port() == 5000 }
func (mirror) Attach(_ netip.AddrPort, deliver func([]byte, netip.AddrPort)) (func([]byte, netip.AddrPort), func(), error) {
	return deliver, func() {}, nil
}
