package media

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
)

// Config is what an SFU needs to know.
type Config struct {
	// Port is the UDP port everybody's media flows over; 0 takes any free one.
	Port int
	// Conn is that port, already open; nil: it is opened. The SFU closes it.
	Conn net.PacketConn
	// Streams brings connections that begin with ICE over TCP (RFC 6544, framed as RFC 4571 says); nil: there are none. The SFU
	// closes it.
	Streams net.Listener
	// PublicAddresses gives what is offered to clients besides the machine's own addresses, for servers behind an address
	// translation that leaves the port as it is. It may be nil, is called for every answer and must not wait.
	PublicAddresses func() []netip.Addr
	// Loopback offers 127.0.0.1 too, for clients on the same machine.
	Loopback bool
	// MaxPeers limits the peers of a room; 0 means 100.
	MaxPeers int
	// MaxWatchers limits those of a room that only receive (see SFU.Watch); 0 means 250.
	MaxWatchers int
	// Logger gets what an operator should know; nil discards it.
	Logger *slog.Logger
}

const (
	defaultMaxPeers = 100
	sourcesPerPeer  = 4
)

func (c Config) withDefaults() (Config, error) {
	if c.Port < 0 || c.Port > 65535 {
		return c, fmt.Errorf("media: %d is no UDP port", c.Port)
	}
	if c.MaxPeers < 0 {
		return c, fmt.Errorf("media: at most %d peers makes no sense", c.MaxPeers)
	}
	if c.MaxPeers == 0 {
		c.MaxPeers = defaultMaxPeers
	}
	if c.MaxWatchers < 0 {
		return c, fmt.Errorf("media: at most %d watchers makes no sense", c.MaxWatchers)
	}
	if c.MaxWatchers == 0 {
		c.MaxWatchers = defaultMaxWatchers
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// maxSections bounds the sections of one description: everybody else's sources, one's own, and as many once more that went out of use.
func (c Config) maxSections() int { return 2*sourcesPerPeer*c.MaxPeers + sourcesPerPeer }
