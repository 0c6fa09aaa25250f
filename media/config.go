package media

import (
	"fmt"
	"log/slog"
	"net/netip"
)

// Config is what an SFU needs to know.
type Config struct {
	// Port is the UDP port everybody's media flows over; 0 takes any free one.
	Port int
	// PublicAddresses are offered to clients besides the machine's own, for servers behind a static address translation.
	PublicAddresses []netip.Addr
	// Loopback offers 127.0.0.1 too, for clients on the same machine.
	Loopback bool
	// MaxPeers limits the peers of a room; 0 means 100.
	MaxPeers int
	// Logger gets what an operator should know; nil discards it.
	Logger *slog.Logger
}

const (
	defaultMaxPeers = 100
	sourcesPerPeer  = 3
)

func (c Config) withDefaults() (Config, error) {
	if c.Port < 0 || c.Port > 65535 {
		return c, fmt.Errorf("media: %d is no UDP port", c.Port)
	}
	for _, a := range c.PublicAddresses {
		if !a.IsValid() || a.IsUnspecified() {
			return c, fmt.Errorf("media: %q is no address that clients could reach", a)
		}
	}
	if c.MaxPeers < 0 {
		return c, fmt.Errorf("media: at most %d peers makes no sense", c.MaxPeers)
	}
	if c.MaxPeers == 0 {
		c.MaxPeers = defaultMaxPeers
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// maxSections bounds the sections of one description: everybody else's sources, one's own, and as many once more that went out of use.
func (c Config) maxSections() int { return 2*sourcesPerPeer*c.MaxPeers + sourcesPerPeer }
