package port

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// datagram is a packet that waits to be read.
type datagram struct {
	bytes *[]byte // from UDP.buffers
	from  netip.AddrPort
}

// packetConn lets what expects a net.PacketConn read one share of the port. It is a bounded queue between the reader and a consumer: what does not fit is lost.
type packetConn struct {
	udp   *UDP
	queue chan datagram
	lost  *atomic.Uint64
	done  chan struct{} // closed by Close
	once  sync.Once
	read  deadline
	write deadline
}

var errNoUDPAddress = errors.New("the destination is not a UDP address")

func newPacketConn(u *UDP, size int, media bool) *packetConn {
	c := &packetConn{udp: u, queue: make(chan datagram, size), done: make(chan struct{}), lost: &u.counts.relayLost}
	if media {
		c.lost = &u.counts.mediaLost
	}
	return c
}

// put is the sink: it copies the packet into the queue.
func (c *packetConn) put(packet []byte, from netip.AddrPort) {
	b := c.udp.buffers.Get().(*[]byte)
	*b = append((*b)[:0], packet...)
	select {
	case c.queue <- datagram{b, from}:
	default:
		c.lost.Add(1)
		c.udp.buffers.Put(b)
	}
}

// ReadFromAddrPort waits for a packet. As with any UDP socket, what b has no room for is lost.
func (c *packetConn) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	expired := c.read.expired()
	select {
	case <-c.done:
		return 0, netip.AddrPort{}, net.ErrClosed
	case <-expired:
		return 0, netip.AddrPort{}, os.ErrDeadlineExceeded
	default:
	}
	select { // the cheap way while packets wait
	case d := <-c.queue:
		return c.take(b, d)
	default:
	}
	select {
	case d := <-c.queue:
		return c.take(b, d)
	case <-c.done:
		return 0, netip.AddrPort{}, net.ErrClosed
	case <-expired:
		return 0, netip.AddrPort{}, os.ErrDeadlineExceeded
	}
}

func (c *packetConn) take(b []byte, d datagram) (int, netip.AddrPort, error) {
	n := copy(b, *d.bytes)
	c.udp.buffers.Put(d.bytes)
	return n, d.from, nil
}

// WriteToAddrPort sends a packet; see UDP.Send.
func (c *packetConn) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	select {
	case <-c.done:
		return 0, net.ErrClosed
	case <-c.write.expired():
		return 0, os.ErrDeadlineExceeded
	default:
	}
	if err := c.udp.Send(b, to); err != nil {
		return 0, err
	}
	return len(b), nil
}

// ReadFrom implements net.PacketConn; the address is a *net.UDPAddr.
func (c *packetConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := c.ReadFromAddrPort(b)
	if err != nil {
		return 0, nil, err
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}

// WriteTo implements net.PacketConn; to is a *net.UDPAddr.
func (c *packetConn) WriteTo(b []byte, to net.Addr) (int, error) {
	a, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, errNoUDPAddress
	}
	return c.WriteToAddrPort(b, a.AddrPort())
}

// LocalAddr implements net.PacketConn.
func (c *packetConn) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(c.udp.LocalAddr()) }

// SetDeadline implements net.PacketConn.
func (c *packetConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline implements net.PacketConn.
func (c *packetConn) SetReadDeadline(t time.Time) error { return c.setDeadline(&c.read, t) }

// SetWriteDeadline implements net.PacketConn. Writes do not block; one after the deadline fails.
func (c *packetConn) SetWriteDeadline(t time.Time) error { return c.setDeadline(&c.write, t) }

func (c *packetConn) setDeadline(d *deadline, t time.Time) error {
	select {
	case <-c.done:
		return net.ErrClosed
	default:
		d.set(t)
		return nil
	}
}

// Close ends this share of the port. What still waits in the queue is left to the garbage collector.
func (c *packetConn) Close() error {
	c.once.Do(func() {
		close(c.done)
		c.read.set(time.Time{})
		c.write.set(time.Time{})
	})
	return nil
}
