package turn

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Sockets outside Go's netpoller: there, each freed transmit buffer wakes the
// poller (EPOLLOUT edges), a microsecond or two per packet. Here an epoll descriptor that only
// knows EPOLLIN is itself in the netpoller, so that readers park like any other
// goroutine and writes wake nobody.

const (
	// receiveBuffer and sendBuffer of clients' sockets, and relayBuffer of relay sockets, are in bytes; the system may give less.
	receiveBuffer = 4 << 20
	sendBuffer    = 4 << 20
	relayBuffer   = 256 << 10
)

// descriptor is a non-blocking UDP socket.
type descriptor struct {
	six   bool // an IPv6 socket, which takes IPv4 addresses in mapped form
	local netip.AddrPort

	mu sync.RWMutex // held around system calls, so that fd is not closed, and given to somebody else, beneath one
	fd int          // guarded by mu; -1 when closed
}

func openDescriptor(bind netip.AddrPort, buffer int) (*descriptor, error) {
	family := unix.AF_INET
	if bind.Addr().Is6() {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("udp socket: %w", err)
	}
	d := &descriptor{fd: fd, six: family == unix.AF_INET6}
	if err := d.bind(bind, buffer); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("udp socket at %v: %w", bind, err)
	}
	return d, nil
}

func (d *descriptor) bind(to netip.AddrPort, buffer int) error {
	if d.six && !to.Addr().IsUnspecified() {
		if err := unix.SetsockoptInt(d.fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1); err != nil {
			return fmt.Errorf("only IPv6: %w", err)
		}
	}
	// As far as the system lets us; what it gives is enough to work.
	_ = unix.SetsockoptInt(d.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, buffer)
	_ = unix.SetsockoptInt(d.fd, unix.SOL_SOCKET, unix.SO_SNDBUF, buffer)
	var sa unix.Sockaddr = &unix.SockaddrInet4{Port: int(to.Port()), Addr: as4(to.Addr())}
	if d.six {
		sa = &unix.SockaddrInet6{Port: int(to.Port()), Addr: to.Addr().As16(), ZoneId: zoneID(to.Addr())}
	}
	if err := unix.Bind(d.fd, sa); err != nil {
		return err
	}
	sa, err := unix.Getsockname(d.fd)
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		d.local = netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		d.local = netip.AddrPortFrom(netip.AddrFrom16(sa.Addr).WithZone(to.Addr().Zone()), uint16(sa.Port))
	}
	return err
}

func as4(a netip.Addr) [4]byte {
	if a.Is4() || a.Is4In6() {
		return a.As4()
	}
	return [4]byte{}
}

func zoneID(a netip.Addr) uint32 {
	if a.Zone() == "" {
		return 0
	}
	if n, err := strconv.ParseUint(a.Zone(), 10, 32); err == nil {
		return uint32(n)
	}
	if i, err := net.InterfaceByName(a.Zone()); err == nil {
		return uint32(i.Index)
	}
	return 0
}

// name is a socket address as the system has it, of either family.
type name unix.RawSockaddrInet6

func (n *name) set(to netip.AddrPort, six bool) (size uint32) {
	if !six {
		n4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(n))
		n4.Family, n4.Addr = unix.AF_INET, as4(to.Addr())
		binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&n4.Port))[:], to.Port())
		return unix.SizeofSockaddrInet4
	}
	n.Family, n.Addr, n.Flowinfo, n.Scope_id = unix.AF_INET6, to.Addr().As16(), 0, zoneID(to.Addr())
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&n.Port))[:], to.Port())
	return unix.SizeofSockaddrInet6
}

func (n *name) get() netip.AddrPort {
	port := binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&n.Port))[:])
	if n.Family == unix.AF_INET {
		return netip.AddrPortFrom(netip.AddrFrom4((*unix.RawSockaddrInet4)(unsafe.Pointer(n)).Addr), port)
	}
	a := netip.AddrFrom16(n.Addr)
	if n.Scope_id != 0 {
		a = a.WithZone(strconv.FormatUint(uint64(n.Scope_id), 10))
	}
	return netip.AddrPortFrom(a, port)
}

// mmsghdr is what recvmmsg(2) and sendmmsg(2) take.
type mmsghdr struct {
	hdr unix.Msghdr
	n   uint32
}

// vector is the memory of one call of recvmmsg or sendmmsg; one goroutine's at a time.
type vector struct {
	msgs  [batchSize]mmsghdr
	parts [batchSize]unix.Iovec
	names [batchSize]name
}

func (v *vector) point(i int, b []byte, nameSize uint32) {
	m := &v.msgs[i]
	v.parts[i].Base = unsafe.SliceData(b)
	v.parts[i].SetLen(len(b))
	m.hdr.Iov = &v.parts[i]
	m.hdr.SetIovlen(1)
	m.hdr.Name, m.hdr.Namelen = (*byte)(unsafe.Pointer(&v.names[i])), nameSize
	m.hdr.Flags, m.n = 0, 0
}

// receive takes what is there into bufs, without waiting. What was cut has the size of its buffer.
func (d *descriptor) receive(v *vector, bufs [][]byte, sizes []int, from []netip.AddrPort) (int, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.fd < 0 {
		return 0, net.ErrClosed
	}
	k := min(len(bufs), batchSize)
	for i := range k {
		v.point(i, bufs[i], unix.SizeofSockaddrInet6)
	}
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(d.fd), uintptr(unsafe.Pointer(&v.msgs[0])), uintptr(k), unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	for i := range int(n) {
		sizes[i], from[i] = int(v.msgs[i].n), v.names[i].get()
	}
	return int(n), nil
}

// sendAll sends what it can without waiting, and tells how many datagrams left.
func (d *descriptor) sendAll(v *vector, bufs [][]byte, to []netip.AddrPort) (sent int, err error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.fd < 0 {
		return 0, net.ErrClosed
	}
	for len(bufs) > 0 {
		k := min(len(bufs), batchSize)
		for i := range k {
			size := v.names[i].set(to[i], d.six)
			v.point(i, bufs[i], size)
		}
		for at := 0; at < k; {
			n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(d.fd), uintptr(unsafe.Pointer(&v.msgs[at])), uintptr(k-at), unix.MSG_DONTWAIT, 0, 0)
			switch errno {
			case 0:
				sent += int(n)
				at += int(n)
			case unix.EINTR:
			case unix.EAGAIN:
				return sent, errno
			default: // this one is not to be sent; the others may be
				err = errno
				at++
			}
		}
		bufs, to = bufs[k:], to[k:]
	}
	return sent, err
}

// send sends one datagram without waiting.
func (d *descriptor) send(packet []byte, to netip.AddrPort) error {
	var n name
	size := n.set(to, d.six)
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.fd < 0 {
		return net.ErrClosed
	}
	_, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(d.fd), uintptr(unsafe.Pointer(unsafe.SliceData(packet))), uintptr(len(packet)),
		unix.MSG_DONTWAIT, uintptr(unsafe.Pointer(&n)), uintptr(size))
	if errno != 0 {
		return errno
	}
	return nil
}

func (d *descriptor) close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fd < 0 {
		return net.ErrClosed
	}
	fd := d.fd
	d.fd = -1
	return unix.Close(fd)
}

// epoll is an epoll descriptor in Go's netpoller.
type epoll struct {
	file *os.File
	raw  syscall.RawConn
	fd   int // valid while file is open
}

func newEpoll() (*epoll, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("epoll: %w", err)
	}
	e := &epoll{file: os.NewFile(uintptr(fd), "epoll"), fd: fd}
	if e.raw, err = e.file.SyscallConn(); err != nil {
		_ = e.file.Close()
		return nil, fmt.Errorf("epoll: %w", err)
	}
	return e, nil
}

func (e *epoll) add(fd int) error {
	return unix.EpollCtl(e.fd, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
}

// poll tells what is ready now. It does not wait, so the scheduler need not know of it.
func (e *epoll) poll(events []unix.EpollEvent) (int, syscall.Errno) {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(e.fd), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), 0, 0, 0)
	return int(n), errno
}

// Socket is a UDP socket outside Go's netpoller: a net.PacketConn and a Batcher,
// with one reader, any number of writers, and no deadlines.
type Socket struct {
	*descriptor
	ready *epoll
	in    reading   // owned by the reader
	out   sync.Pool // of *vector
}

// reading is a call of ReadBatch. It is kept, so that a call allocates nothing.
type reading struct {
	vector vector
	bufs   [][]byte
	sizes  []int
	from   []netip.AddrPort
	n      int
	err    error
	try    func(uintptr) bool
}

// ListenUDP opens a UDP socket for ServeUDP.
func ListenUDP(bind netip.AddrPort) (net.PacketConn, error) {
	d, err := openDescriptor(bind, receiveBuffer)
	if err != nil {
		return nil, err
	}
	s := &Socket{descriptor: d, out: sync.Pool{New: func() any { return new(vector) }}}
	s.in.try = s.try
	if s.ready, err = newEpoll(); err != nil {
		return nil, errors.Join(err, d.close())
	}
	if err := s.ready.add(d.fd); err != nil {
		return nil, errors.Join(fmt.Errorf("epoll: %w", err), d.close(), s.ready.file.Close())
	}
	return s, nil
}

// ReadBatch reads what is there, at least one datagram.
func (s *Socket) ReadBatch(bufs [][]byte, sizes []int, from []netip.AddrPort) (int, error) {
	in := &s.in
	in.bufs, in.sizes, in.from = bufs, sizes, from
	if err := s.ready.raw.Read(in.try); err != nil {
		return 0, net.ErrClosed
	}
	return in.n, in.err
}

// try reads, and tells whether there is something to tell.
func (s *Socket) try(uintptr) bool {
	in := &s.in
	for {
		in.n, in.err = s.receive(&in.vector, in.bufs, in.sizes, in.from)
		switch in.err {
		case unix.EAGAIN:
			return false
		case unix.EINTR:
		default:
			return true
		}
	}
}

// WriteBatch sends without waiting.
func (s *Socket) WriteBatch(bufs [][]byte, to []netip.AddrPort) (int, error) {
	v := s.out.Get().(*vector)
	defer s.out.Put(v)
	return s.sendAll(v, bufs, to)
}

// ReadFrom reads one datagram.
func (s *Socket) ReadFrom(p []byte) (int, net.Addr, error) {
	sizes, from := [1]int{}, [1]netip.AddrPort{}
	if _, err := s.ReadBatch([][]byte{p}, sizes[:], from[:]); err != nil {
		return 0, nil, err
	}
	return sizes[0], net.UDPAddrFromAddrPort(from[0]), nil
}

// WriteTo sends one datagram without waiting.
func (s *Socket) WriteTo(p []byte, to net.Addr) (int, error) {
	if err := s.send(p, rawAddrPort(to)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// LocalAddr is where it is bound.
func (s *Socket) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(s.local) }

// Close ends the reader too.
func (s *Socket) Close() error { return errors.Join(s.close(), s.ready.file.Close()) }

// SetDeadline and its like are not supported.
func (s *Socket) SetDeadline(time.Time) error      { return os.ErrNoDeadline }
func (s *Socket) SetReadDeadline(time.Time) error  { return os.ErrNoDeadline }
func (s *Socket) SetWriteDeadline(time.Time) error { return os.ErrNoDeadline }
