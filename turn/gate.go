package turn

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/stun/v4"
	library "github.com/pion/turn/v5"
)

// source is where a gate's requests come from: a UDP socket, or the connections of a listener.
type source interface {
	// next waits for a request, copies it to p and tells whose it is. Packets it hands to the gate's data itself.
	next(p []byte) (int, client, error)
	// queue has a frame sent to a client. It owns the frame, never waits, and tells whether there was room.
	queue(to client, f *frame) bool
	// answer sends the answer to a request; p stays the caller's.
	answer(to client, p []byte)
	// addr is the address that clients send to.
	addr() net.Addr
	Close() error
}

// maxRequest is the longest request the library is given, in bytes.
const maxRequest = 1500

// gate stands between one socket (or listener) and a server of the library of its
// own, for which it is a net.PacketConn. The library's reader takes a request from
// it, works on it, calls our hooks and writes the answer, all before it takes the
// next one: what is known of the request at hand needs no lock.
type gate struct {
	relay     *Relay
	transport Transport
	source    source

	now request // owned by the library's reader

	mu          sync.RWMutex
	allocations map[netip.AddrPort]*allocation // guarded by mu; by the client's address
}

// request is the one that the library is working on.
type request struct {
	who       client
	addr      net.Addr // as the library is told
	raw       []byte   // the library's buffer
	kind      stun.MessageType
	grant     grant
	key       []byte         // of MESSAGE-INTEGRITY
	authentic bool           // the library has checked it
	answered  bool           // an answer was written
	instead   stun.ErrorCode // that the answer is to have, if it is an error
}

// serve starts a gate, its server and the goroutine of its source, which ends with
// the source. What it was given it closes when that fails.
func (r *Relay) serve(g *gate, run func()) error {
	if err := r.add(g); err != nil {
		_ = g.source.Close()
		return err
	}
	go run()
	_, err := library.NewServer(library.ServerConfig{
		Realm:         r.cfg.Realm,
		AuthHandler:   g.authenticate,
		EventHandler:  g.events(),
		LoggerFactory: complaints{&r.counters.complaints},
		PacketConnConfigs: []library.PacketConnConfig{
			{PacketConn: g, RelayAddressGenerator: generator{g}, PermissionHandler: g.permit},
		},
	})
	if err != nil {
		_ = g.source.Close()
		return fmt.Errorf("turn: starting: %w", err)
	}
	return nil
}

// ReadFrom gives the library the next request, once the last one is through.
func (g *gate) ReadFrom(p []byte) (int, net.Addr, error) {
	g.finish()
	for {
		n, who, err := g.source.next(p)
		if err != nil {
			return 0, nil, err
		}
		if g.begin(p[:n], who) {
			return n, g.now.addr, nil
		}
	}
}

// begin takes a request up, if it is one of those that we serve. TCP allocations
// (RFC 6062) are not, so their requests are as unknown to us as any other (RFC 8489 section 6.3.1).
func (g *gate) begin(b []byte, who client) bool {
	if len(b) > maxRequest || !isMessage(b) {
		g.relay.drop(dropMalformed)
		return false
	}
	kind := messageType(b)
	switch kind.Method {
	case stun.MethodBinding, stun.MethodAllocate, stun.MethodRefresh, stun.MethodCreatePermission, stun.MethodChannelBind:
	default:
		g.relay.refuse(refusedMethod)
		return false
	}
	if kind.Class != stun.ClassRequest {
		g.relay.refuse(refusedMethod)
		return false
	}
	addr := net.Addr(net.UDPAddrFromAddrPort(who.addr))
	if who.stream != nil {
		addr = net.TCPAddrFromAddrPort(who.addr)
	}
	g.now = request{who: who, addr: addr, raw: b, kind: kind}
	return true
}

// finish answers what the library leaves unanswered: a request that is authentic,
// for an allocation that is not there or somebody else's (RFC 8656 section 5).
func (g *gate) finish() {
	if !g.now.authentic || g.now.answered {
		return
	}
	if g.allocation(g.now.who.addr) != nil {
		g.relay.refuse(refusedWrongUser)
		g.error(stun.CodeWrongCredentials)
	} else {
		g.relay.refuse(refusedNoAllocation)
		g.error(stun.CodeAllocMismatch)
	}
	g.now = request{}
}

// refuseWith counts a refusal and corrects the error that the library will answer with.
func (g *gate) refuseWith(why refusal, code stun.ErrorCode) {
	g.relay.refuse(why)
	g.now.instead = code
}

// WriteTo sends the library's answer to the request at hand.
func (g *gate) WriteTo(p []byte, _ net.Addr) (int, error) {
	if len(p) < stunHeader {
		return 0, errors.New("turn: no answer")
	}
	g.now.answered = true
	kind := messageType(p)
	switch {
	case kind.Class == stun.ClassErrorResponse && g.now.instead != 0:
		g.error(g.now.instead)
	case kind == stun.NewType(stun.MethodAllocate, stun.ClassSuccessResponse):
		g.allocated(p)
	default:
		g.source.answer(g.now.who, p)
	}
	return len(p), nil
}

// allocated sends the answer to an Allocate without the RESERVATION-TOKEN that the
// library gives with every even port: nobody gets two (RFC 8656 section 7.2).
func (g *gate) allocated(p []byte) {
	m := stun.Message{Raw: p}
	if err := m.Decode(); err == nil && m.Contains(stun.AttrReservationToken) {
		plain := stun.Message{Type: m.Type, TransactionID: m.TransactionID}
		plain.WriteHeader()
		for _, a := range m.Attributes {
			if a.Type != stun.AttrReservationToken && a.Type != stun.AttrMessageIntegrity {
				plain.Add(a.Type, a.Value)
			}
		}
		if stun.MessageIntegrity(g.now.key).AddTo(&plain) == nil {
			p = plain.Raw
		}
	}
	g.source.answer(g.now.who, p)
}

// error answers the request at hand with a code. It is authentic, so the answer is signed.
func (g *gate) error(code stun.ErrorCode) {
	m, err := stun.Build(
		stun.NewTransactionIDSetter([stun.TransactionIDSize]byte(g.now.raw[8:stunHeader])),
		stun.NewType(g.now.kind.Method, stun.ClassErrorResponse),
		code, stun.MessageIntegrity(g.now.key))
	if err == nil {
		g.source.answer(g.now.who, m.Raw)
	}
}

// authenticate gives the library the key of a request. There always is one:
// nobody has the key of a username that is not good, so that a wrong username and a
// wrong password are the same to see and to time.
//
// A credential that has expired still serves the allocation it has opened.
func (g *gate) authenticate(ask *library.RequestAttributes) (string, []byte, bool) {
	r := g.relay
	grant, err := r.mint.open(ask.Username)
	good := err == nil && ask.Realm == r.cfg.Realm && !r.isRevoked(grant)
	if good && !r.cfg.Now().Before(grant.expiry) {
		a := g.allocation(g.now.who.addr)
		good = g.now.kind.Method != stun.MethodAllocate && a != nil && a.username == ask.Username
	}
	g.now.grant = grant
	g.now.key = r.mint.key(ask.Username, ask.Realm, good)
	return ask.Username, g.now.key, true
}

// permit is asked for each peer of a CreatePermission, and for that of a ChannelBind.
func (g *gate) permit(_ net.Addr, ip net.IP) bool {
	addr, _ := netip.AddrFromSlice(ip)
	addr = addr.Unmap()
	a := g.allocation(g.now.who.addr)
	if a == nil || !g.relay.hosts(addr) {
		g.refuseWith(refusedForbidden, stun.CodeForbidden)
		return false
	}
	if g.now.kind.Method == stun.MethodChannelBind && !g.permitChannel(a) {
		return false
	}
	if !a.roomForPermission(addr) {
		g.refuseWith(refusedPermissionQuota, stun.CodeInsufficientCapacity)
		return false
	}
	return true
}

// permitChannel judges what a ChannelBind asks beyond a permission.
func (g *gate) permitChannel(a *allocation) bool {
	var number uint16
	var peer netip.AddrPort
	attributes(g.now.raw, func(t stun.AttrType, value []byte) bool {
		switch {
		case t == stun.AttrChannelNumber && number == 0 && len(value) >= 2:
			number = binary.BigEndian.Uint16(value)
		case t == stun.AttrXORPeerAddress && !peer.IsValid():
			peer, _ = peerOf(g.now.raw, value)
		}
		return true
	})
	if g.relay.way(peer) == nowhere {
		g.refuseWith(refusedForbidden, stun.CodeForbidden)
		return false
	}
	if !a.roomForChannel(number) {
		g.refuseWith(refusedChannelQuota, stun.CodeInsufficientCapacity)
		return false
	}
	return true
}

// events are what the library tells of. The addresses it gives are those it was
// given. An event of an allocation that has been replaced by the client's next one
// is told from the next one's by the relayed address.
func (g *gate) events() library.EventHandler {
	find := func(src, relayed net.Addr) *allocation {
		a := g.allocation(rawAddrPort(src))
		if a == nil || a.relayed != addrPortOf(relayed) {
			return nil
		}
		return a
	}
	permission := func(on bool) func(src, dst net.Addr, protocol, user, realm string, relayed net.Addr, peer net.IP) {
		return func(src, _ net.Addr, _, _, _ string, relayed net.Addr, peer net.IP) {
			if a := find(src, relayed); a != nil {
				addr, _ := netip.AddrFromSlice(peer)
				a.setPermission(addr.Unmap(), on)
			}
		}
	}
	channel := func(on bool) func(src, dst net.Addr, protocol, user, realm string, relayed, peer net.Addr, number uint16) {
		return func(src, _ net.Addr, _, _, _ string, relayed, peer net.Addr, number uint16) {
			if a := find(src, relayed); a != nil {
				a.setChannel(number, addrPortOf(peer), on)
			}
		}
	}
	return library.EventHandler{
		OnAuth: func(_, _ net.Addr, _, _, _, _ string, verdict bool) {
			g.now.authentic = verdict
			if !verdict {
				g.relay.refuse(refusedCredentials)
			}
		},
		OnPermissionCreated: permission(true), OnPermissionDeleted: permission(false),
		OnChannelCreated: channel(true), OnChannelDeleted: channel(false),
	}
}

// rawAddrPort is the address as the gate gave it to the library: not unmapped.
func rawAddrPort(a net.Addr) netip.AddrPort {
	switch a := a.(type) {
	case *net.UDPAddr:
		return a.AddrPort()
	case *net.TCPAddr:
		return a.AddrPort()
	}
	return netip.AddrPort{}
}

// allocation finds a client's.
func (g *gate) allocation(who netip.AddrPort) *allocation {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.allocations[who]
}

// forget takes an allocation out, once the library has deleted it.
func (g *gate) forget(a *allocation) {
	g.mu.Lock()
	if g.allocations[a.who.addr] == a {
		delete(g.allocations, a.who.addr)
	}
	g.mu.Unlock()
	g.relay.counters.live[g.transport].Add(-1)
	if a.who.stream != nil {
		a.who.stream.setAllocated(false)
	}
}

// data takes a message that is not a request: ChannelData and Send indications. It
// tells whether it was one of them; b stays the caller's.
func (g *gate) data(b []byte, who client, now int64) bool {
	if len(b) >= channelHeader && b[0] >= 0x40 && b[0] < 0x80 {
		g.channelData(b, who, now)
		return true
	}
	if len(b) < stunHeader || binary.BigEndian.Uint16(b) != sendIndication || !isMessage(b) {
		return false
	}
	s, good := parseSend(b)
	if !good {
		g.relay.drop(dropMalformed)
		return true
	}
	a := g.allocation(who.addr)
	switch {
	case a == nil:
		g.relay.drop(dropNoAllocation)
	case !a.permits(s.to.Addr()):
		g.relay.drop(dropNoPermission)
	default:
		a.toPeer(s.payload, s.to, now)
	}
	return true
}

// channelData relays a ChannelData message, RFC 8656 section 12.6.
func (g *gate) channelData(b []byte, who client, now int64) {
	n := int(binary.BigEndian.Uint16(b[2:]))
	if channelHeader+n > len(b) {
		g.relay.drop(dropMalformed)
		return
	}
	a := g.allocation(who.addr)
	if a == nil {
		g.relay.drop(dropNoAllocation)
		return
	}
	peer, ok := a.channelPeer(binary.BigEndian.Uint16(b))
	if !ok {
		g.relay.drop(dropNoChannel)
		return
	}
	a.toPeer(b[channelHeader:channelHeader+n], peer, now)
}

// queue sends a frame to a client without waiting.
func (g *gate) queue(to client, f *frame) {
	if !g.source.queue(to, f) {
		g.relay.drop(dropQueue)
	}
}

// Close ends the source; the library's reader ends with it, and deletes all allocations.
func (g *gate) Close() error { return g.source.Close() }

// LocalAddr is the address that clients send to.
func (g *gate) LocalAddr() net.Addr { return g.source.addr() }

// SetDeadline and its like are not used by the library.
func (g *gate) SetDeadline(time.Time) error      { return nil }
func (g *gate) SetReadDeadline(time.Time) error  { return nil }
func (g *gate) SetWriteDeadline(time.Time) error { return nil }
