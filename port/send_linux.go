package port

import (
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// send implements socket.
func (s *linuxSocket) send(packet []byte, to netip.AddrPort) error {
	if len(packet) == 0 {
		return nil
	}
	to = netip.AddrPortFrom(to.Addr().Unmap(), to.Port())
	var name unix.RawSockaddrInet6
	length, err := s.name(&name, to)
	if err != nil {
		return err
	}
	var source netip.Addr
	if s.asked != nil {
		source = s.asked.of(to)
	}
	s.using.RLock()
	defer s.using.RUnlock()
	if s.closed {
		return net.ErrClosed
	}
	if source.IsValid() {
		errno := s.sendFrom(packet, &name, length, source)
		if errno != unix.EINVAL && errno != unix.EADDRNOTAVAIL && errno != unix.ENETUNREACH && errno != unix.ENODEV {
			return s.sent(errno)
		}
		s.asked.forget(to) // the address is gone: any other is better than none
	}
	_, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(s.fd), uintptr(unsafe.Pointer(&packet[0])), uintptr(len(packet)), unix.MSG_DONTWAIT,
		uintptr(unsafe.Pointer(&name)), uintptr(length))
	return s.sent(errno)
}

// sent says what a send's outcome means. A full buffer is the loss of one packet, as on any network.
func (s *linuxSocket) sent(errno unix.Errno) error {
	switch errno {
	case 0:
		return nil
	case unix.EAGAIN, unix.ENOBUFS, unix.ENOMEM, unix.EINTR:
		s.counts.sendLost.Add(1)
		return nil
	}
	return os.NewSyscallError("sendto", errno)
}

// name fills in the address of a destination, as this socket's family has it, and returns its length.
func (s *linuxSocket) name(name *unix.RawSockaddrInet6, to netip.AddrPort) (uint32, error) {
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&name.Port))[:], to.Port())
	if s.six {
		if to.Addr().Is4() && !s.at.Addr().IsUnspecified() || !to.IsValid() {
			return 0, unix.EAFNOSUPPORT
		}
		zone, err := zoneIndex(to.Addr().Zone())
		if err != nil {
			return 0, err
		}
		name.Family, name.Addr, name.Scope_id = unix.AF_INET6, to.Addr().As16(), zone
		return unix.SizeofSockaddrInet6, nil
	}
	if !to.Addr().Is4() {
		return 0, unix.EAFNOSUPPORT
	}
	four := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
	four.Family, four.Addr = unix.AF_INET, to.Addr().As4()
	return unix.SizeofSockaddrInet4, nil
}

// sendFrom sends from a given address of this machine (RFC 3542, section 6; ip(7) for IPv4). An IPv6 socket takes a mapped address for IPv4.
func (s *linuxSocket) sendFrom(packet []byte, name *unix.RawSockaddrInet6, length uint32, source netip.Addr) unix.Errno {
	var control [controlWords]uint64
	var vector unix.Iovec
	vector.Base = &packet[0]
	vector.SetLen(len(packet))
	header := unix.Msghdr{Name: (*byte)(unsafe.Pointer(name)), Namelen: length, Iov: &vector, Control: (*byte)(unsafe.Pointer(&control))}
	header.SetIovlen(1)
	header.SetControllen(putSource(&control, s.six, source))
	_, _, errno := unix.RawSyscall6(unix.SYS_SENDMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&header)), unix.MSG_DONTWAIT, 0, 0, 0)
	return errno
}

// putSource writes the control message that names a source address, and returns its size in bytes.
func putSource(control *[controlWords]uint64, six bool, source netip.Addr) int {
	h := (*unix.Cmsghdr)(unsafe.Pointer(control))
	data := unsafe.Add(unsafe.Pointer(control), unix.CmsgLen(0))
	if six {
		h.Level, h.Type = unix.IPPROTO_IPV6, unix.IPV6_PKTINFO
		h.SetLen(unix.CmsgLen(unix.SizeofInet6Pktinfo))
		(*unix.Inet6Pktinfo)(data).Addr = source.As16()
		return unix.CmsgSpace(unix.SizeofInet6Pktinfo)
	}
	h.Level, h.Type = unix.IPPROTO_IP, unix.IP_PKTINFO
	h.SetLen(unix.CmsgLen(unix.SizeofInet4Pktinfo))
	(*unix.Inet4Pktinfo)(data).Spec_dst = source.As4()
	return unix.CmsgSpace(unix.SizeofInet4Pktinfo)
}
