package turn

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"
)

// Config is what a Relay needs to know.
type Config struct {
	// Realm is told to clients before they log in; empty means "neochat".
	Realm string
	// Secret is what credentials are made with, 16 bytes or more. As long as it stays, they hold over a restart.
	Secret []byte
	// Lifetime is how long a credential can open allocations; 0 means an hour. Allocations live on past it.
	Lifetime time.Duration
	// Inside is this server's own media, reached without a socket; nil when there is none.
	Inside Inside
	// Outside lets clients reach other peers as well; nil, the default, does not.
	Outside *Outside
	// Limits bound what clients can take.
	Limits Limits
	// Now is the clock that credentials are judged by; nil means time.Now.
	Now func() time.Time
	// Logger gets what an operator should know, never what a client wrote; nil discards it.
	Logger *slog.Logger
}

// Outside is relaying with real sockets.
type Outside struct {
	// Addresses are where relay sockets are opened, at most one of each family.
	Addresses []RelayAddress
	// MinPort and MaxPort are the range of relay ports, both inclusive; both 0 means any free port.
	MinPort, MaxPort uint16
	// Allow lists what may be reached although it is not public.
	Allow []netip.Prefix
	// Own are this server's addresses, which are not to be reached through it.
	Own []netip.Addr
	// Open opens a relay socket; nil means this package's own, which on Linux share one reader.
	Open func(bind netip.AddrPort) (net.PacketConn, error)
}

// RelayAddress is where relay sockets are bound, and what peers see of it.
type RelayAddress struct {
	// Bind is an address of this machine.
	Bind netip.Addr
	// Public is what clients are told, where a static address translation is in front; the zero value means Bind.
	Public netip.Addr
}

// Limits bound what clients can take; 0 means the default.
type Limits struct {
	// AllocationsPerAccount is 48 by default: browsers open one for each server address and each of their own interfaces.
	AllocationsPerAccount int
	// Allocations is of all accounts, 4096 by default.
	Allocations int
	// Permissions and Channels are of one allocation, 128 each by default.
	Permissions, Channels int
	// BytesPerSecond is what one allocation may relay, both ways together; 8 MiB by default.
	BytesPerSecond int64
	// TotalBytesPerSecond is what all may; 128 MiB by default.
	TotalBytesPerSecond int64
	// Streams is how many TCP and TLS connections may be open, 4096 by default; StreamsPerAddress from one
	// IPv4 address or one IPv6 /64, 256 by default: a whole office may sit behind one.
	Streams, StreamsPerAddress int
	// StreamTimeout is how long a connection may stay without an allocation, 15 s by default.
	StreamTimeout time.Duration
	// FrameTimeout is how long the rest of a frame may take once it has begun, 5 s by default.
	FrameTimeout time.Duration
}

func (l Limits) withDefaults() (Limits, error) {
	for _, n := range []struct {
		value *int
		def   int
		what  string
	}{
		{&l.AllocationsPerAccount, 48, "allocations per account"},
		{&l.Allocations, 4096, "allocations"},
		{&l.Permissions, 128, "permissions per allocation"},
		{&l.Channels, 128, "channels per allocation"},
		{&l.Streams, 4096, "connections"},
		{&l.StreamsPerAddress, 256, "connections per address"},
	} {
		if *n.value < 0 {
			return l, fmt.Errorf("turn: at most %d %s makes no sense", *n.value, n.what)
		}
		if *n.value == 0 {
			*n.value = n.def
		}
	}
	if l.BytesPerSecond < 0 || l.TotalBytesPerSecond < 0 || l.StreamTimeout < 0 || l.FrameTimeout < 0 {
		return l, fmt.Errorf("turn: a negative bandwidth or time makes no sense")
	}
	l.BytesPerSecond = orDefault(l.BytesPerSecond, 8<<20)
	l.TotalBytesPerSecond = orDefault(l.TotalBytesPerSecond, 128<<20)
	l.StreamTimeout = orDefault(l.StreamTimeout, 15*time.Second)
	l.FrameTimeout = orDefault(l.FrameTimeout, 5*time.Second)
	return l, nil
}

func orDefault[T int64 | time.Duration](value, def T) T {
	if value == 0 {
		return def
	}
	return value
}

func (c Config) withDefaults() (Config, error) {
	var err error
	if c.Limits, err = c.Limits.withDefaults(); err != nil {
		return c, err
	}
	if len(c.Realm) > 127 {
		return c, fmt.Errorf("turn: a realm of %d bytes is too long", len(c.Realm))
	}
	if c.Realm == "" {
		c.Realm = "neochat"
	}
	if c.Lifetime < 0 {
		return c, fmt.Errorf("turn: credentials cannot last %v", c.Lifetime)
	}
	c.Lifetime = orDefault(c.Lifetime, time.Hour)
	if c.Inside == nil && c.Outside == nil {
		return c, fmt.Errorf("turn: nothing to relay to")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// address gives where relay sockets of a family are bound, with the public address filled in.
func (o *Outside) address(six bool) (RelayAddress, bool) {
	for _, a := range o.Addresses {
		if a.Bind.Is4() == six {
			continue
		}
		if !a.Public.IsValid() {
			a.Public = a.Bind
		}
		return a, true
	}
	return RelayAddress{}, false
}

func (o *Outside) validate() error {
	seen := map[bool]bool{}
	for _, a := range o.Addresses {
		if !a.Bind.IsValid() || a.Bind.Is4In6() {
			return fmt.Errorf("turn: %q is no address to relay from", a.Bind)
		}
		if seen[a.Bind.Is4()] {
			return fmt.Errorf("turn: a second address of one family to relay from: %v", a.Bind)
		}
		seen[a.Bind.Is4()] = true
		public := a.Public
		if !public.IsValid() {
			public = a.Bind
		}
		if public.IsUnspecified() || public.Is4() != a.Bind.Is4() {
			return fmt.Errorf("turn: %v is no public address for sockets at %v", public, a.Bind)
		}
	}
	if len(o.Addresses) == 0 {
		return fmt.Errorf("turn: no address to relay from")
	}
	if o.MinPort > o.MaxPort || o.MinPort == 0 && o.MaxPort != 0 {
		return fmt.Errorf("turn: relay ports %d to %d are no range", o.MinPort, o.MaxPort)
	}
	return nil
}
