package port

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// linuxSocket is a UDP socket that Go's netpoller does not know: Go would be woken by every transmit buffer that becomes free, which costs
// 1 to 2 µs a packet. An epoll of its own, interested in arrivals only, is what the netpoller watches.
type linuxSocket struct {
	at     netip.AddrPort
	six    bool     // the socket speaks IPv6, and IPv4 by mapped addresses unless it is bound to one address
	poll   *os.File // the epoll
	asked  *sources // nil: bound to one address
	counts *counts

	using  sync.RWMutex // held for reading while fd is used
	fd     int          // guarded by using
	closed bool         // guarded by using
}

func openSocket(at netip.AddrPort, portable bool, counts *counts) (socket, error) {
	if portable {
		return openPortable(at, counts)
	}
	s := &linuxSocket{six: at.Addr().Is6(), counts: counts}
	if err := s.open(at); err != nil {
		return nil, err
	}
	if err := s.watch(); err != nil {
		unix.Close(s.fd)
		return nil, err
	}
	return s, nil
}

// open makes and binds the socket. On a system without IPv6 the unspecified address means that of IPv4.
func (s *linuxSocket) open(at netip.AddrPort) (err error) {
	s.fd, err = unix.Socket(domain(s.six), unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if errors.Is(err, unix.EAFNOSUPPORT) && at.Addr() == netip.IPv6Unspecified() {
		s.six, at = false, netip.AddrPortFrom(netip.IPv4Unspecified(), at.Port())
		s.fd, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	}
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	if err = s.bind(at); err != nil {
		unix.Close(s.fd)
		return err
	}
	return nil
}

func domain(six bool) int {
	if six {
		return unix.AF_INET6
	}
	return unix.AF_INET
}

func (s *linuxSocket) bind(at netip.AddrPort) error {
	if err := s.options(at.Addr()); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	zone, err := zoneIndex(at.Addr().Zone())
	if err != nil {
		return err
	}
	var name unix.Sockaddr = &unix.SockaddrInet6{Port: int(at.Port()), ZoneId: zone, Addr: at.Addr().As16()}
	if !s.six {
		name = &unix.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()}
	}
	if err := unix.Bind(s.fd, name); err != nil {
		return os.NewSyscallError("bind", err)
	}
	bound, err := unix.Getsockname(s.fd)
	if err != nil {
		return os.NewSyscallError("getsockname", err)
	}
	switch b := bound.(type) {
	case *unix.SockaddrInet4:
		s.at = netip.AddrPortFrom(at.Addr(), uint16(b.Port))
	case *unix.SockaddrInet6:
		s.at = netip.AddrPortFrom(at.Addr(), uint16(b.Port))
	}
	return nil
}

// options sets what must be set; buffers and the count of losses are asked for only.
func (s *linuxSocket) options(a netip.Addr) error {
	for _, side := range [][2]int{{unix.SO_RCVBUFFORCE, unix.SO_RCVBUF}, {unix.SO_SNDBUFFORCE, unix.SO_SNDBUF}} {
		if unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, side[0], socketBuffer) != nil { // needs CAP_NET_ADMIN
			_ = unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, side[1], socketBuffer)
		}
	}
	_ = unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RXQ_OVFL, 1)
	if s.six {
		only := 1
		if a.IsUnspecified() {
			only = 0
		}
		if err := unix.SetsockoptInt(s.fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, only); err != nil {
			return err
		}
	}
	if !a.IsUnspecified() {
		return nil
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return err
	}
	s.asked = newSources(addresses)
	if s.six {
		return unix.SetsockoptInt(s.fd, unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
	}
	return unix.SetsockoptInt(s.fd, unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
}

// watch puts the socket into an epoll, and that into Go's netpoller.
func (s *linuxSocket) watch() error {
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	err = unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, s.fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(s.fd)})
	if err == nil {
		err = unix.SetNonblock(ep, true)
	}
	if err != nil {
		unix.Close(ep)
		return os.NewSyscallError("epoll_ctl", err)
	}
	s.poll = os.NewFile(uintptr(ep), "epoll of the UDP port")
	return nil
}

// read implements socket.
func (s *linuxSocket) read(take func([]byte, netip.AddrPort)) error {
	poll, err := s.poll.SyscallConn()
	if err != nil {
		return fmt.Errorf("watching the socket: %w", err)
	}
	in := newInbox(s.six)
	var failed error
	err = poll.Read(func(uintptr) bool {
		var parked bool
		parked, failed = s.drain(in, take)
		return !parked
	})
	if failed != nil {
		return failed
	}
	s.using.RLock()
	defer s.using.RUnlock()
	if s.closed { // the error is then one that package os does not export
		return net.ErrClosed
	}
	return err
}

// drain takes everything that has arrived: the netpoller tells of changes only. parked: there is nothing more for now. A batch that is not full says so
// too: what comes after it is a change.
func (s *linuxSocket) drain(in *inbox, take func([]byte, netip.AddrPort)) (parked bool, err error) {
	if s.asked != nil {
		s.asked.refresh()
	}
	for {
		n, errno := s.receive(in)
		switch errno {
		case 0:
			s.unpack(in, n, take)
			if n < batch {
				return true, nil
			}
		case unix.EAGAIN:
			return true, nil
		case unix.EINTR:
		case unix.EBADF:
			return false, net.ErrClosed
		default: // memory is short
			time.Sleep(retry)
		}
	}
}

// receive fills the inbox with what waits. The raw call spares telling Go's scheduler: it does not block.
func (s *linuxSocket) receive(in *inbox) (int, unix.Errno) {
	in.prepare()
	s.using.RLock()
	defer s.using.RUnlock()
	if s.closed {
		return 0, unix.EBADF
	}
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&in.messages[0])), batch, unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	in.used = int(n)
	return in.used, 0
}

// unpack hands on what receive got.
func (s *linuxSocket) unpack(in *inbox, n int, take func([]byte, netip.AddrPort)) {
	for i := range n {
		from, note := in.from(i), in.note(i)
		if note.dropped {
			s.kernelDropped(note.drops)
		}
		if in.messages[i].header.Flags&unix.MSG_TRUNC != 0 {
			s.counts.tooLong.Add(1)
			continue
		}
		if s.asked != nil && note.local.IsValid() {
			s.asked.note(from, note.local)
		}
		take(in.packet(i), from)
	}
}

// kernelDropped takes the system's own count, of 32 bits, since the socket was opened.
func (s *linuxSocket) kernelDropped(total uint32) {
	last := s.counts.kernelLost.Load()
	s.counts.kernelLost.Add(uint64(total - uint32(last)))
}

func (s *linuxSocket) local() netip.AddrPort { return s.at }

func (s *linuxSocket) close() error {
	s.using.Lock()
	s.closed = true
	err := unix.Close(s.fd)
	s.using.Unlock()
	if err := errors.Join(err, s.poll.Close()); err != nil {
		return fmt.Errorf("closing the socket: %w", err)
	}
	return nil
}
