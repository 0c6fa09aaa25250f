package turn

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"
)

// relaySockets opens relay sockets and reads them.
type relaySockets interface {
	// open opens one for an allocation, which from then on gets what arrives there.
	open(bind netip.AddrPort, a *allocation) (socket outlet, local netip.AddrPort, err error)
	Close() error
}

// newRelaySockets takes what the operator's configuration opens, or else this system's best.
func newRelaySockets(r *Relay) (relaySockets, error) {
	if open := r.cfg.Outside.Open; open != nil {
		return plainSockets{r, open}, nil
	}
	return systemSockets(r)
}

// portTries is how many ports are tried before there is none free.
const portTries = 64

// openSocket gives an allocation a relay socket and its address.
func (r *Relay) openSocket(a *allocation, address RelayAddress, even bool) error {
	err := errNoPort
	for range portTries {
		var socket outlet
		var local netip.AddrPort
		port := r.cfg.Outside.port(even)
		if socket, local, err = r.sockets.open(netip.AddrPortFrom(address.Bind, port), a); err != nil {
			continue
		}
		if even && local.Port()%2 == 1 {
			_ = socket.Close()
			err = errNoPort
			continue
		}
		a.socket, a.relayed = socket, netip.AddrPortFrom(address.Public, local.Port())
		return nil
	}
	return fmt.Errorf("turn: no relay socket: %w", err)
}

var errNoPort = errors.New("no port is free")

// port draws one of the range, 0 when there is none.
func (o *Outside) port(even bool) uint16 {
	if o.MaxPort == 0 {
		return 0
	}
	port := int(o.MinPort) + rand.N(int(o.MaxPort)-int(o.MinPort)+1)
	if even && port%2 == 1 {
		if port--; port < int(o.MinPort) {
			port += 2
		}
	}
	return uint16(min(port, int(o.MaxPort)))
}

// plainSockets are of any kind of net.PacketConn, with a reader each.
type plainSockets struct {
	relay *Relay
	conns func(netip.AddrPort) (net.PacketConn, error)
}

func (p plainSockets) open(bind netip.AddrPort, a *allocation) (outlet, netip.AddrPort, error) {
	conn, err := p.conns(bind)
	if err != nil {
		return nil, netip.AddrPort{}, fmt.Errorf("opening at %v: %w", bind, err)
	}
	s := &plainSocket{conn: conn, batch: asBatcher(conn), allocation: a}
	p.relay.running.Add(1)
	go s.read()
	return s, addrPortOf(conn.LocalAddr()), nil
}

func (plainSockets) Close() error { return nil }

// plainSocket is a relay socket with a reader of its own.
type plainSocket struct {
	conn       net.PacketConn
	batch      Batcher
	allocation *allocation
}

// plainBatch is how many datagrams one of them reads at once: each has its buffers.
const plainBatch = 8

func (s *plainSocket) read() {
	a := s.allocation
	defer a.relay.running.Done()
	bufs, sizes, from := make([][]byte, plainBatch), make([]int, plainBatch), make([]netip.AddrPort, plainBatch)
	whole := make([][]byte, plainBatch)
	for i := range bufs {
		whole[i] = make([]byte, headroom+maxFrame)
		bufs[i] = whole[i][headroom:]
	}
	out := pending{relay: a.relay}
	for {
		n, err := s.batch.ReadBatch(bufs, sizes, from)
		if errors.Is(err, net.ErrClosed) || err != nil && a.over.Load() {
			return
		}
		if err != nil { // a peer's port unreachable, on some systems
			time.Sleep(time.Millisecond)
			continue
		}
		now := a.relay.clock()
		for i := range n {
			out.add(a, whole[i], sizes[i], from[i], now)
		}
		out.flush()
	}
}

func (s *plainSocket) send(packet []byte, to netip.AddrPort) error {
	n, err := s.batch.WriteBatch([][]byte{packet}, []netip.AddrPort{to})
	if err == nil && n == 0 {
		return errors.New("turn: not sent")
	}
	return err
}

func (s *plainSocket) Close() error { return s.conn.Close() }

// pending collects what relay sockets have for clients, so that it leaves in few
// calls. It belongs to one reader. The buffers given to it must stay as they are until flush.
type pending struct {
	relay *Relay
	to    *datagrams // whose clients the frames are for
	bufs  [][]byte
	addrs []netip.AddrPort
}

// add takes a datagram of n bytes, which lies in buf after headroom.
func (p *pending) add(a *allocation, buf []byte, n int, from netip.AddrPort, now int64) {
	from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
	channel, ok := a.fromPeer(n, from, now)
	if !ok {
		return
	}
	d, udp := a.gate.source.(*datagrams)
	if !udp {
		f := frames.Get().(*frame)
		copy(f.buf[headroom:], buf[headroom:headroom+n])
		f.out = wrap(f.buf[:], n, from, channel)
		a.gate.queue(a.who, f)
		return
	}
	if p.to != d {
		p.flush()
		p.to = d
	}
	p.bufs, p.addrs = append(p.bufs, wrap(buf, n, from, channel)), append(p.addrs, a.who.addr)
}

// flush sends what was collected.
func (p *pending) flush() {
	if len(p.bufs) > 0 {
		p.to.send(p.bufs, p.addrs)
	}
	p.bufs, p.addrs = p.bufs[:0], p.addrs[:0]
}
