// Package port lets everything use one port: the media of calls and the relay over UDP, and HTTP, the relay and ICE over TCP, in the clear or inside
// TLS, told apart by their first bytes. It opens the sockets and hands out connections and listeners; it knows nothing of what is done with them.
package port

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"neochat/port/firstbytes"
)

// largest is the most bytes in a datagram that is taken; longer ones are dropped. Media stays below 1500.
const largest = 2048

// How many datagrams wait for each reader; each takes at most largest bytes.
const (
	mediaQueue = 2048
	relayQueue = 1024
)

// UDPConfig says how to open the UDP port.
type UDPConfig struct {
	// Address is host:port. Without a host (or with [::]) it is every address of the machine, IPv4 and IPv6; 0.0.0.0 is
	// every IPv4 address. Port 0 takes a free one.
	Address string
	// Portable takes Go's own socket, as systems other than Linux always do: packets cost more, and answers leave from
	// the address that the system prefers rather than from the one that was asked.
	Portable bool
	Logger   *slog.Logger // nil: slog.Default
}

// Intercept sees the packets of peers before anybody else; what it returns true for goes nowhere else. It may be called from several goroutines at
// once, must not block, and must not keep the packet, which it may overwrite.
type Intercept func(kind firstbytes.Kind, packet []byte, from netip.AddrPort) bool

// sink takes packets of one destination. It does not block and does not keep the packet.
type sink func(packet []byte, from netip.AddrPort)

// socket is the wire below the demultiplexer. take is called from one goroutine.
type socket interface {
	read(take func(packet []byte, from netip.AddrPort)) error // until close
	send(packet []byte, to netip.AddrPort) error              // does not block
	local() netip.AddrPort
	close() error
}

// UDP is the UDP port: one reader that gives each datagram to whom it is for. Its methods may be called from any goroutine.
type UDP struct {
	socket    socket
	log       *slog.Logger
	counts    *counts
	sinks     [firstbytes.Kinds]sink // nil: dropped
	intercept atomic.Pointer[Intercept]
	media     *packetConn
	relay     *packetConn
	buffers   sync.Pool // of *[]byte, for what waits
	virtual   virtualPeers
	closed    sync.Once
	reading   sync.WaitGroup
}

// ListenUDP opens the port and begins to read.
func ListenUDP(config UDPConfig) (*UDP, error) {
	at, err := bindAddress(config.Address)
	if err != nil {
		return nil, err
	}
	if config.Logger == nil {
		config.Logger = slog.Default()
	}
	u := &UDP{log: config.Logger, counts: &counts{}}
	if u.socket, err = openSocket(at, config.Portable, u.counts); err != nil {
		return nil, fmt.Errorf("opening UDP %s: %w", config.Address, err)
	}
	u.start()
	return u, nil
}

func (u *UDP) start() {
	u.buffers.New = func() any { b := make([]byte, 0, largest); return &b }
	u.media, u.relay = newPacketConn(u, mediaQueue, true), newPacketConn(u, relayQueue, false)
	u.sinks = [firstbytes.Kinds]sink{firstbytes.ICE: u.media.put, firstbytes.DTLS: u.media.put, firstbytes.RTP: u.media.put,
		firstbytes.RTCP: u.media.put, firstbytes.Relay: u.relay.put}
	u.reading.Go(func() {
		if err := u.socket.read(u.arrived); err != nil && !errors.Is(err, net.ErrClosed) {
			u.log.Error("the UDP port cannot be read any more", "error", err)
		}
		u.media.Close()
		u.relay.Close()
	})
}

// bindAddress resolves host:port; an empty host is the unspecified address of both families.
func bindAddress(address string) (netip.AddrPort, error) {
	a, err := net.ResolveUDPAddr("udp", address)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("the UDP address: %w", err)
	}
	if a.IP == nil {
		return netip.AddrPortFrom(netip.IPv6Unspecified(), uint16(a.Port)), nil
	}
	at := a.AddrPort()
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port()), nil
}

// Media is where the packets of peers arrive: STUN of ICE, DTLS, RTP and RTCP. Besides net.PacketConn it has ReadFromAddrPort and WriteToAddrPort, by
// which Pion's ICE mux spares allocations. Closing it leaves the port open.
func (u *UDP) Media() net.PacketConn { return u.media }

// Relay is where the packets of the relay's clients arrive, with the same methods.
func (u *UDP) Relay() net.PacketConn { return u.relay }

// LocalAddr is what the port is bound to; the address is unspecified where it is every one of the machine.
func (u *UDP) LocalAddr() netip.AddrPort { return u.socket.local() }

// Intercept lets f see the packets of peers first, from now on; nil: nobody.
func (u *UDP) Intercept(f Intercept) {
	if f == nil {
		u.intercept.Store(nil)
		return
	}
	u.intercept.Store(&f)
}

// Send sends one packet of at most 65,507 bytes, to a virtual peer too. It does not block: where the system has no room the packet is lost, as on any network, and counted.
func (u *UDP) Send(packet []byte, to netip.AddrPort) error {
	if isVirtual(to.Addr()) {
		u.virtual.deliver(packet, to, u.counts)
		return nil
	}
	return u.socket.send(packet, to)
}

// arrived takes a packet from the wire.
func (u *UDP) arrived(packet []byte, from netip.AddrPort) {
	if isVirtual(from.Addr()) { // a lie: those have no wire
		u.counts.received[firstbytes.Garbage].Add(1)
		return
	}
	u.dispatch(firstbytes.Datagram(packet), packet, from)
}

// dispatch gives a packet to whom it is for.
func (u *UDP) dispatch(kind firstbytes.Kind, packet []byte, from netip.AddrPort) {
	u.counts.received[kind].Add(1)
	if kind != firstbytes.Relay && kind != firstbytes.Garbage {
		if f := u.intercept.Load(); f != nil && (*f)(kind, packet, from) {
			return
		}
	}
	if take := u.sinks[kind]; take != nil {
		take(packet, from)
	}
}

// Close closes the port and both connections, and waits until the reader has ended.
func (u *UDP) Close() error {
	var err error
	u.closed.Do(func() { err = u.socket.close() })
	u.reading.Wait()
	if err != nil {
		return fmt.Errorf("closing the UDP port: %w", err)
	}
	return nil
}
