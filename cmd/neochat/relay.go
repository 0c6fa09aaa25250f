package main

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"neochat/media"
	"neochat/signaling"
	"neochat/turn"
)

// relayFlags say what the embedded relay (TURN) does.
type relayFlags struct {
	Relay                 string `help:"The embedded relay for networks that let no media through: inside reaches this server's own calls and nothing else; open also relays to other public addresses, with sockets of its own; off." enum:"off,inside,open" default:"inside" env:"NEOCHAT_RELAY"`
	RelayListen           string `help:"A further TCP address for the relay and for calls over TCP, for servers whose --listen is behind a reverse proxy. Nothing means they use --listen." default:"" env:"NEOCHAT_RELAY_LISTEN"`
	RelayPorts            string `help:"First and last UDP port of an open relay's sockets, as 49152-65535; nothing means any free ones." default:"" env:"NEOCHAT_RELAY_PORTS"`
	RelayAllow            string `help:"Networks (10.0.0.0/8) that an open relay reaches although they are not public, separated by commas." default:"" env:"NEOCHAT_RELAY_ALLOW"`
	RelayAllocations      int    `help:"Allocations one account may have at the relay; browsers open a few for each call." default:"48" env:"NEOCHAT_RELAY_ALLOCATIONS"`
	RelayTotalAllocations int    `help:"Allocations all accounts may have together." default:"4096" env:"NEOCHAT_RELAY_TOTAL_ALLOCATIONS"`
	RelayPermissions      int    `help:"Addresses one allocation may exchange packets with." default:"128" env:"NEOCHAT_RELAY_PERMISSIONS"`
	RelayRate             int    `help:"KiB a second that one allocation may relay, both ways together." default:"8192" env:"NEOCHAT_RELAY_RATE"`
	RelayTotalRate        int    `help:"KiB a second that all may relay." default:"131072" env:"NEOCHAT_RELAY_TOTAL_RATE"`
}

func (c *relayFlags) checkRelay() error {
	for flag, n := range map[string]int{"--relay-allocations": c.RelayAllocations, "--relay-total-allocations": c.RelayTotalAllocations,
		"--relay-permissions": c.RelayPermissions, "--relay-rate": c.RelayRate, "--relay-total-rate": c.RelayTotalRate} {
		if n < 1 {
			return fmt.Errorf("%s must be at least 1; --relay off turns the relay off", flag)
		}
		if n > math.MaxInt32 {
			return fmt.Errorf("%s must be at most %d", flag, math.MaxInt32)
		}
	}
	if c.Relay != "open" && (c.RelayPorts != "" || c.RelayAllow != "") {
		return errors.New("--relay-ports and --relay-allow are for --relay open: the other one has no sockets and reaches nothing but this server's calls")
	}
	_, _, err := c.portRange()
	if err == nil {
		_, err = c.allowed()
	}
	return err
}

// portRange reads --relay-ports; 0 and 0: any.
func (c *relayFlags) portRange() (low, high uint16, err error) {
	if c.RelayPorts == "" {
		return 0, 0, nil
	}
	a, b, _ := strings.Cut(c.RelayPorts, "-")
	first, err1 := strconv.ParseUint(a, 10, 16)
	last, err2 := strconv.ParseUint(b, 10, 16)
	if err1 != nil || err2 != nil || first == 0 || first > last {
		return 0, 0, fmt.Errorf("--relay-ports: %q is no range of ports like 49152-65535", c.RelayPorts)
	}
	return uint16(first), uint16(last), nil
}

func (c *relayFlags) allowed() ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range words(c.RelayAllow) {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("--relay-allow: %q is no network like 10.0.0.0/8", s)
		}
		out = append(out, p)
	}
	return out, nil
}

// openRelay opens the relay on the doors; nil: --relay is off.
func (c *networkFlags) openRelay(d *doors, sfu *media.SFU, data string, log *slog.Logger) (*turn.Relay, error) {
	if c.Relay == "off" {
		d.tcp.Relay().Close()
		go serveBinding(d.udp.Relay()) // ends with the port
		if d.relay != nil {
			d.relay.Relay().Close()
		}
		return nil, nil
	}
	secret, err := keptSecret(data, "relay.key", "the relay's secret")
	if err != nil {
		return nil, err
	}
	cfg := turn.Config{Secret: secret, Inside: inside{sfu, d.udp}, Logger: log, Limits: turn.Limits{AllocationsPerAccount: c.RelayAllocations,
		Allocations: c.RelayTotalAllocations, Permissions: c.RelayPermissions, Channels: c.RelayPermissions,
		BytesPerSecond: int64(c.RelayRate) << 10, TotalBytesPerSecond: int64(c.RelayTotalRate) << 10}}
	if c.Relay == "open" {
		if cfg.Outside, err = c.outside(d.public.list()); err != nil {
			return nil, err
		}
	}
	r, err := turn.New(cfg)
	if err != nil {
		return nil, err
	}
	transport := turn.TCP
	if d.cert != nil {
		transport = turn.TLS
	}
	err = errors.Join(r.ServeUDP(d.udp.Relay()), r.ServeStreams(d.tcp.Relay(), transport))
	if d.relay != nil {
		err = errors.Join(err, r.ServeStreams(d.relay.Relay(), transport))
	}
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// outside finds the addresses that an open relay sends from.
func (c *networkFlags) outside(public []netip.Addr) (*turn.Outside, error) {
	low, high, err := c.portRange()
	if err != nil {
		return nil, err
	}
	allow, err := c.allowed()
	if err != nil {
		return nil, err
	}
	o := &turn.Outside{MinPort: low, MaxPort: high, Allow: allow, Own: public}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("--relay open: the machine does not tell its addresses: %w", err)
	}
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			o.Own = append(o.Own, p.Addr().Unmap())
		}
	}
	for _, far := range []string{"[2001:db8::1]:9", "192.0.2.1:9"} { // nothing is sent: the system tells which address it would use
		conn, err := net.Dial("udp", far)
		if err != nil {
			continue
		}
		bind := conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
		conn.Close()
		r := turn.RelayAddress{Bind: bind}
		for _, a := range public {
			if a.Is4() == bind.Is4() && !r.Public.IsValid() {
				r.Public = a
			}
		}
		o.Addresses = append(o.Addresses, r)
	}
	if len(o.Addresses) == 0 {
		return nil, errors.New("--relay open: this machine has no way out to other networks")
	}
	return o, nil
}

// lender lets signaling lend the relay without knowing it.
type lender struct {
	relay *turn.Relay
	doors *doors
	names []string // --domain
	open  bool     // it reaches others too
}

// hostName is what a Host header may name: a DNS name or an address.
var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$`)

// hostOf takes the port off a Host header; "" if it is none that a URL could be made of.
func hostOf(header string) string {
	host := header
	if h, _, err := net.SplitHostPort(header); err == nil {
		host = h
	}
	if inner, ok := strings.CutPrefix(host, "["); ok {
		if inner, ok = strings.CutSuffix(inner, "]"); ok {
			host = inner
		}
	}
	if a, err := netip.ParseAddr(host); err == nil && a.Zone() == "" {
		return a.String()
	}
	if !hostName.MatchString(host) {
		return ""
	}
	return host
}

// Access implements signaling.Relay. The client is sent to where it has found the server already.
func (l lender) Access(account, session, header string) (signaling.RelayAccess, error) {
	var access signaling.RelayAccess
	host := hostOf(header)
	if host == "" {
		host = first(l.names)
	}
	if host == "" {
		return access, nil
	}
	var err error
	if access.Username, access.Password, access.Lifetime, err = l.relay.Credentials(account, session); err != nil {
		return access, fmt.Errorf("credentials of the relay: %w", err)
	}
	tcp := net.JoinHostPort(host, strconv.Itoa(tcpPort(l.doors.streams().Addr())))
	access.URLs = []string{"turn:" + tcp + "?transport=tcp"}
	if l.open { // who can send UDP to a relay that reaches nothing but the calls can send it to them, on the same port
		udp := net.JoinHostPort(host, strconv.Itoa(int(l.doors.udp.LocalAddr().Port())))
		access.URLs = append(access.URLs, "turn:"+udp+"?transport=udp")
	}
	if l.doors.cert != nil {
		access.URLs = append(access.URLs, "turns:"+tcp+"?transport=tcp")
	}
	return access, nil
}

// Revoke implements signaling.Relay.
func (l lender) Revoke(account, session string) { l.relay.Revoke(account, session) }

// RevokeAccount implements signaling.Relay.
func (l lender) RevokeAccount(account string) { l.relay.RevokeAccount(account) }
