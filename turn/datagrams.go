package turn

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// Batcher is what a net.PacketConn may have beyond its own methods: several
// datagrams at one call. Neither keeps what it is given.
type Batcher interface {
	// ReadBatch waits for at least one datagram, and takes what else is there. The n-th goes to bufs[n], its
	// length to sizes[n] and its sender to from[n]. One that does not fit has the size of its buffer.
	ReadBatch(bufs [][]byte, sizes []int, from []netip.AddrPort) (n int, err error)
	// WriteBatch sends bufs[n] to to[n] without waiting, and tells how many of them left.
	WriteBatch(bufs [][]byte, to []netip.AddrPort) (n int, err error)
}

// batchSize is how many datagrams are read or written at one call at most.
const batchSize = 64

// datagrams is a UDP socket that clients send to, as a gate's source.
type datagrams struct {
	conn  net.PacketConn
	batch Batcher
	gate  *gate
	out   *outbox

	// owned by the library's reader
	bufs       [][]byte
	sizes      []int
	from       []netip.AddrPort
	at, filled int
}

// ServeUDP relays for those who send to conn, until Close. conn belongs to the
// relay from now on. When it is a Batcher, it is used as one.
func (r *Relay) ServeUDP(conn net.PacketConn) error {
	d := &datagrams{conn: conn, batch: asBatcher(conn), out: newOutbox(outboxFrames),
		sizes: make([]int, batchSize), from: make([]netip.AddrPort, batchSize)}
	for range batchSize {
		d.bufs = append(d.bufs, make([]byte, maxFrame))
	}
	d.gate = &gate{relay: r, transport: UDP, source: d, allocations: map[netip.AddrPort]*allocation{}}
	if err := r.serve(d.gate, d.write); err != nil {
		return fmt.Errorf("turn: serving udp: %w", err)
	}
	return nil
}

// next gives the next request; packets are relayed on the way.
func (d *datagrams) next(p []byte) (int, client, error) {
	r := d.gate.relay
	for {
		now := r.clock()
		for d.at < d.filled {
			b, from := d.bufs[d.at][:d.sizes[d.at]], client{addr: d.from[d.at]}
			d.at++
			switch {
			case len(b) == maxFrame || len(b) > len(p) && b[0] < 0x40:
				r.drop(dropMalformed)
			case d.gate.data(b, from, now):
			default:
				return copy(p, b), from, nil
			}
		}
		d.at, d.filled = 0, 0
		n, err := d.batch.ReadBatch(d.bufs, d.sizes, d.from)
		switch {
		case err == nil:
			d.filled = n
		case d.ending() || errors.Is(err, net.ErrClosed):
			return 0, client{}, net.ErrClosed
		default: // of some datagram sent before, on some systems
			time.Sleep(time.Millisecond)
		}
	}
}

func (d *datagrams) ending() bool {
	select {
	case <-d.gate.relay.done:
		return true
	default:
		return false
	}
}

func (d *datagrams) queue(to client, f *frame) bool {
	f.to = to.addr
	return d.out.put(f)
}

// answer sends at once: the library's reader may well wait for the socket.
func (d *datagrams) answer(to client, p []byte) {
	if n, err := d.batch.WriteBatch([][]byte{p}, []netip.AddrPort{to.addr}); n == 0 || err != nil {
		d.gate.relay.drop(dropSend)
	}
}

// write sends what the server's own media has for clients.
func (d *datagrams) write() {
	r := d.gate.relay
	defer r.running.Done()
	bufs, to := make([][]byte, 0, batchSize), make([]netip.AddrPort, 0, batchSize)
	for taken := d.out.take(nil); taken != nil; taken = d.out.take(taken) {
		for i, f := range taken {
			bufs, to = append(bufs, f.out), append(to, f.to)
			if len(bufs) == batchSize || i == len(taken)-1 {
				d.send(bufs, to)
				bufs, to = bufs[:0], to[:0]
			}
		}
		release(taken)
	}
}

// send writes at once; what does not leave is counted. Any goroutine may call it.
func (d *datagrams) send(bufs [][]byte, to []netip.AddrPort) {
	n, _ := d.batch.WriteBatch(bufs, to)
	if lost := len(bufs) - n; lost > 0 {
		d.gate.relay.counters.dropped[dropSend].Add(uint64(lost))
	}
}

func (d *datagrams) addr() net.Addr { return d.conn.LocalAddr() }

// Close ends the reader, and the writer once.
func (d *datagrams) Close() error {
	d.out.close()
	return d.conn.Close()
}

// asBatcher makes a Batcher of any net.PacketConn, one datagram at a time.
func asBatcher(conn net.PacketConn) Batcher {
	switch c := conn.(type) {
	case Batcher:
		return c
	case addrPortConn:
		return single{c}
	}
	return single{converted{conn}}
}

// addrPortConn is the part of net.UDPConn that goes without a net.Addr for each datagram.
type addrPortConn interface {
	ReadFromUDPAddrPort([]byte) (int, netip.AddrPort, error)
	WriteToUDPAddrPort([]byte, netip.AddrPort) (int, error)
}

// converted is any net.PacketConn as an addrPortConn.
type converted struct{ net.PacketConn }

func (c converted) ReadFromUDPAddrPort(p []byte) (int, netip.AddrPort, error) {
	n, from, err := c.ReadFrom(p)
	return n, rawAddrPort(from), err
}

func (c converted) WriteToUDPAddrPort(p []byte, to netip.AddrPort) (int, error) {
	return c.WriteTo(p, net.UDPAddrFromAddrPort(to))
}

// single is a Batcher of batches of one.
type single struct{ conn addrPortConn }

func (s single) ReadBatch(bufs [][]byte, sizes []int, from []netip.AddrPort) (int, error) {
	n, addr, err := s.conn.ReadFromUDPAddrPort(bufs[0])
	if err != nil {
		return 0, err
	}
	sizes[0], from[0] = n, addr
	return 1, nil
}

func (s single) WriteBatch(bufs [][]byte, to []netip.AddrPort) (sent int, err error) {
	for i, b := range bufs {
		if _, e := s.conn.WriteToUDPAddrPort(b, to[i]); e != nil {
			err = e
			continue
		}
		sent++
	}
	return sent, err
}
