package turn

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"

	"github.com/pion/logging"
	"github.com/pion/stun/v4"
	library "github.com/pion/turn/v5"
)

// generator makes the allocations of a gate for the library, whose reader calls it
// in the middle of an authentic Allocate request.
type generator struct{ gate *gate }

var errRefused = errors.New("turn: refused")

// Validate is part of the library's interface.
func (generator) Validate() error { return nil }

// AllocatePacketConn makes an allocation for the request at hand.
func (gen generator) AllocatePacketConn(c library.AllocateListenerConfig) (net.PacketConn, net.Addr, error) {
	g, now := gen.gate, &gen.gate.now
	if c.UserID == "" {
		return gen.evenPort()
	}
	a := &allocation{
		relay: g.relay, gate: g, who: now.who, identity: now.grant.identity, username: c.UserID,
		bucket: newBucket(g.relay.cfg.Limits.BytesPerSecond),
		ended:  make(chan struct{}), closed: make(chan struct{}),
		permissions: map[netip.Addr]struct{}{}, channels: map[uint16]netip.AddrPort{}, numbers: map[netip.AddrPort]uint16{},
	}
	if why, ok := g.relay.allocate(a, now.grant); !ok {
		code := stun.CodeInsufficientCapacity
		if why == refusedAccountQuota {
			code = stun.CodeAllocQuotaReached
		}
		g.refuseWith(why, code)
		return nil, nil, errRefused
	}
	if why, err := g.relay.open(a, strings.HasSuffix(c.Network, "6"), c.RequestedPort != 0); err != nil {
		g.relay.release(a)
		code := stun.CodeInsufficientCapacity
		if why == refusedFamily {
			code = stun.CodeAddrFamilyNotSupported
		}
		g.refuseWith(why, code)
		return nil, nil, fmt.Errorf("turn: allocating: %w", err)
	}
	g.mu.Lock()
	g.allocations[a.who.addr] = a
	g.mu.Unlock()
	g.relay.counters.live[g.transport].Add(1)
	g.relay.counters.made[g.transport].Add(1)
	if a.who.stream != nil && !a.who.stream.setAllocated(true) {
		a.end()
	}
	return a, a.LocalAddr(), nil
}

// evenPort is where the library looks for a port that an EVEN-PORT request can
// have, by opening and closing sockets. It gets the promise of one; any even one is
// as good when it then asks for it. Two in a row are not to be had (RFC 8656 section
// 7.2, 508): only RTP without multiplexing wants them, and WebRTC has done with that.
func (gen generator) evenPort() (net.PacketConn, net.Addr, error) {
	reserve := true
	attributes(gen.gate.now.raw, func(t stun.AttrType, value []byte) bool {
		if t == stun.AttrEvenPort && len(value) > 0 {
			reserve = value[0]&0x80 != 0
			return false
		}
		return true
	})
	if reserve {
		gen.gate.refuseWith(refusedEvenPort, stun.CodeInsufficientCapacity)
		return nil, nil, errRefused
	}
	return promise{}, &net.UDPAddr{Port: 2}, nil
}

// promise is nothing that could be read or written.
type promise struct{ net.PacketConn }

// Close is all that the library does with it.
func (promise) Close() error { return nil }

// AllocateListener refuses TCP allocations (RFC 8656 section 7.2, 442).
func (gen generator) AllocateListener(library.AllocateListenerConfig) (net.Listener, net.Addr, error) {
	gen.gate.refuseWith(refusedTCPAllocation, stun.CodeUnsupportedTransProto)
	return nil, nil, errRefused
}

// AllocateConn is never called, for its request does not get past the gate.
func (gen generator) AllocateConn(library.AllocateConnConfig) (net.Conn, error) {
	return nil, errRefused
}

// complaints counts what the library would log as a warning or worse, and drops
// it all: nearly every line of it has something in it that a client wrote.
type complaints struct{ n *atomic.Uint64 }

func (c complaints) NewLogger(string) logging.LeveledLogger { return c }

func (complaints) Trace(string)            {}
func (complaints) Tracef(string, ...any)   {}
func (complaints) Debug(string)            {}
func (complaints) Debugf(string, ...any)   {}
func (complaints) Info(string)             {}
func (complaints) Infof(string, ...any)    {}
func (c complaints) Warn(string)           { c.n.Add(1) }
func (c complaints) Warnf(string, ...any)  { c.n.Add(1) }
func (c complaints) Error(string)          { c.n.Add(1) }
func (c complaints) Errorf(string, ...any) { c.n.Add(1) }
