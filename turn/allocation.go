package turn

import (
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// client is where an allocation's messages go: an address of the gate's socket, or a connection.
type client struct {
	addr   netip.AddrPort // as the socket gave it, not unmapped
	stream *stream        // nil over UDP
}

// outlet is the sending side of a relay socket. It never waits.
type outlet interface {
	send(packet []byte, to netip.AddrPort) error
	Close() error
}

// allocation is one client's relayed address: what the library knows as the
// relay's net.PacketConn. The library keeps its lifetime, permissions and channels
// and tells of them; packets pass the library by.
type allocation struct {
	relay    *Relay
	gate     *gate
	who      client
	identity identity
	username string
	relayed  netip.AddrPort
	dummy    netip.AddrPort // of relay.dummies: where Inside takes it to be, and relayed itself where there is nothing else; the zero value: none
	bucket   *bucket

	socket outlet // nil: nothing but inside can be reached
	inside func(packet []byte, to netip.AddrPort)
	detach func()

	over    atomic.Bool // nothing passes any more
	endOnce sync.Once
	ended   chan struct{} // closed when we want the library to delete it
	closing sync.Once
	closed  chan struct{} // closed when the library has deleted it

	mu          sync.RWMutex
	permissions map[netip.Addr]struct{}   // guarded by mu
	channels    map[uint16]netip.AddrPort // guarded by mu
	numbers     map[netip.AddrPort]uint16 // guarded by mu; channels the other way
}

// end makes the library delete the allocation; nothing passes from now on.
func (a *allocation) end() {
	a.over.Store(true)
	a.endOnce.Do(func() { close(a.ended) })
}

// toPeer relays what the client sent.
func (a *allocation) toPeer(payload []byte, to netip.AddrPort, now int64) {
	r := a.relay
	way := r.way(to)
	if way == nowhere || way == outside && a.socket == nil {
		r.drop(dropForbidden)
		return
	}
	if !a.admit(len(payload), now) {
		return
	}
	if way == inside {
		a.inside(payload, to)
	} else if err := a.socket.send(payload, to); err != nil {
		r.drop(dropSend)
		return
	}
	r.counters.toPeer.add(len(payload))
}

// admit asks the bandwidth limits.
func (a *allocation) admit(n int, now int64) bool {
	switch {
	case a.over.Load():
		a.relay.drop(dropNoAllocation)
	case !a.bucket.take(n, now):
		a.relay.drop(dropBandwidth)
	case !a.relay.bucket.take(n, now):
		a.relay.drop(dropTotalBandwidth)
	default:
		return true
	}
	return false
}

// fromPeer decides on a payload of n bytes that came from a peer: whether the
// client gets it, and on which channel (0: in a Data indication).
func (a *allocation) fromPeer(n int, from netip.AddrPort, now int64) (channel uint16, ok bool) {
	if n > maxPayload {
		a.relay.drop(dropMalformed)
		return 0, false
	}
	a.mu.RLock()
	channel = a.numbers[from]
	_, permitted := a.permissions[from.Addr()]
	a.mu.RUnlock()
	if !permitted {
		a.relay.drop(dropNoPermission)
		return 0, false
	}
	if !a.admit(n, now) {
		return 0, false
	}
	a.relay.counters.toClient.add(n)
	return channel, true
}

// deliver takes what the server's own media sends to the client; see Inside.
func (a *allocation) deliver(packet []byte, from netip.AddrPort) {
	channel, ok := a.fromPeer(len(packet), from, a.relay.clock())
	if !ok {
		return
	}
	f := frames.Get().(*frame)
	copy(f.buf[headroom:], packet)
	f.out = wrap(f.buf[:], len(packet), from, channel)
	a.gate.queue(a.who, f)
}

// channelPeer finds whom a channel is bound to.
func (a *allocation) channelPeer(number uint16) (netip.AddrPort, bool) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	peer, ok := a.channels[number]
	return peer, ok
}

func (a *allocation) permits(addr netip.Addr) bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	_, ok := a.permissions[addr]
	return ok
}

// roomForPermission tells whether an address has a permission or may get one.
func (a *allocation) roomForPermission(addr netip.Addr) bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	_, has := a.permissions[addr]
	return has || len(a.permissions) < a.relay.cfg.Limits.Permissions
}

// roomForChannel tells the same of a channel.
func (a *allocation) roomForChannel(number uint16) bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	_, has := a.channels[number]
	return has || len(a.channels) < a.relay.cfg.Limits.Channels
}

func (a *allocation) setPermission(addr netip.Addr, on bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if on {
		a.permissions[addr] = struct{}{}
	} else {
		delete(a.permissions, addr)
	}
}

func (a *allocation) setChannel(number uint16, peer netip.AddrPort, on bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if on {
		a.channels[number], a.numbers[peer] = peer, number
	} else {
		delete(a.channels, number)
		delete(a.numbers, peer)
	}
}

// ReadFrom is where the library waits for packets from peers. It gets none, only
// the end: an error, upon which it deletes the allocation.
//
// When it has been deleted already, the goroutine ends here and now. For the
// library would delete by the client's address whatever is there: the client's next
// allocation, if it has been quick.
func (a *allocation) ReadFrom([]byte) (int, net.Addr, error) {
	select {
	case <-a.closed:
	case <-a.ended:
	}
	select {
	case <-a.closed:
		runtime.Goexit()
	default:
	}
	return 0, nil, net.ErrClosed
}

// WriteTo relays what the library sends to a peer.
func (a *allocation) WriteTo(p []byte, to net.Addr) (int, error) {
	a.toPeer(p, addrPortOf(to), a.relay.clock())
	return len(p), nil
}

// Close is the library's word that the allocation is no more. It is called with
// the library's lock held.
func (a *allocation) Close() error {
	a.closing.Do(func() {
		a.over.Store(true)
		a.gate.forget(a)
		a.relay.release(a)
		close(a.closed)
	})
	return nil
}

// LocalAddr is the relayed address.
func (a *allocation) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(a.relayed) }

// SetDeadline and its like are of no use here, and the library does not use them.
func (a *allocation) SetDeadline(time.Time) error      { return nil }
func (a *allocation) SetReadDeadline(time.Time) error  { return nil }
func (a *allocation) SetWriteDeadline(time.Time) error { return nil }

// addrPortOf gives the address and port of what the library deals in; IPv4 as IPv4.
func addrPortOf(a net.Addr) netip.AddrPort {
	var ap netip.AddrPort
	switch a := a.(type) {
	case *net.UDPAddr:
		ap = a.AddrPort()
	case *net.TCPAddr:
		ap = a.AddrPort()
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}
