package port

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"

	"neochat/port/firstbytes"
)

// Virtual peers live at addresses that no network routes: the IPv4 dummy address (RFC 7600, section 4.8) and the discard-only prefix (RFC 6666).
var (
	virtual4 = netip.AddrFrom4([4]byte{192, 0, 0, 8})
	virtual6 = netip.PrefixFrom(netip.AddrFrom16([16]byte{0: 0x01}), 64)
)

// Why a virtual peer is refused; they come wrapped.
var (
	ErrNotVirtual = errors.New("not an address for a virtual peer")
	ErrTaken      = errors.New("the virtual address is taken")
)

// isVirtual reports whether an address never leaves this process.
func isVirtual(a netip.Addr) bool { return a.Unmap() == virtual4 || virtual6.Contains(a) }

// virtualPeer is a peer without a wire.
type virtualPeer struct {
	deliver  func(packet []byte, from netip.AddrPort)
	speaksTo atomic.Pointer[netip.AddrPort] // where it last sent to; nil: it has not yet
}

// virtualPeers are the peers without a wire. Each is called without the lock.
type virtualPeers struct {
	mu sync.RWMutex
	at map[netip.AddrPort]*virtualPeer // guarded by mu
}

// Attach makes a peer without a wire at an address 192.0.0.8:N or [100::x]:N.
//
// What is sent to the address is given to deliver, with the address the peer last sent to as its origin: it has none before
// the first send, and what comes earlier is lost. deliver must not block and must not keep the packet.
//
// send hands a packet to those who read Media as if it had come over the wire to the local address to; what is not for a peer of a call is dropped. It does not block, and
// takes packets of at most 2048 bytes, which an Intercept may overwrite. detach ends both; a send or deliver under way may still finish after it.
func (u *UDP) Attach(virtual netip.AddrPort, deliver func(packet []byte, from netip.AddrPort)) (send func(packet []byte, to netip.AddrPort), detach func(), err error) {
	if !isVirtual(virtual.Addr()) || virtual.Port() == 0 {
		return nil, nil, fmt.Errorf("attaching %s: %w", virtual, ErrNotVirtual)
	}
	virtual = netip.AddrPortFrom(virtual.Addr().Unmap(), virtual.Port())
	p := &virtualPeer{deliver: deliver}
	if !u.virtual.add(virtual, p) {
		return nil, nil, fmt.Errorf("attaching %s: %w", virtual, ErrTaken)
	}
	var gone atomic.Bool
	send = func(packet []byte, to netip.AddrPort) {
		if !gone.Load() {
			u.fromVirtual(p, packet, virtual, to)
		}
	}
	detach = func() {
		if gone.CompareAndSwap(false, true) {
			u.virtual.remove(virtual)
		}
	}
	return send, detach, nil
}

// fromVirtual takes a packet from a virtual peer.
func (u *UDP) fromVirtual(p *virtualPeer, packet []byte, from, to netip.AddrPort) {
	if len(packet) > largest {
		u.counts.tooLong.Add(1)
		return
	}
	kind := firstbytes.Datagram(packet)
	if kind == firstbytes.Relay { // a relay through the relay
		kind = firstbytes.Garbage
	} else if kind != firstbytes.Garbage {
		u.counts.virtual.Add(1)
	}
	if last := p.speaksTo.Load(); last == nil || *last != to {
		moved := to // a copy of its own, or every packet would allocate one
		p.speaksTo.Store(&moved)
	}
	u.dispatch(kind, packet, from)
}

func (v *virtualPeers) add(at netip.AddrPort, p *virtualPeer) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.at == nil {
		v.at = map[netip.AddrPort]*virtualPeer{}
	}
	if v.at[at] != nil {
		return false
	}
	v.at[at] = p
	return true
}

func (v *virtualPeers) remove(at netip.AddrPort) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.at, at)
}

// deliver gives a packet to the peer at an address.
func (v *virtualPeers) deliver(packet []byte, to netip.AddrPort, counts *counts) {
	v.mu.RLock()
	p := v.at[netip.AddrPortFrom(to.Addr().Unmap(), to.Port())]
	v.mu.RUnlock()
	if p == nil {
		counts.unheard.Add(1)
		return
	}
	origin := p.speaksTo.Load()
	if origin == nil {
		counts.unheard.Add(1)
		return
	}
	p.deliver(packet, *origin)
}
