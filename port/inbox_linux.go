package port

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// batch is how many packets one system call takes at most.
const batch = 64

// controlWords holds what the system tells beside a packet: where it was sent to, and how many were lost; in words, because the system aligns it.
const controlWords = 8

// message is struct mmsghdr of recvmmsg(2).
type message struct {
	header unix.Msghdr
	length uint32
}

// inbox is what one recvmmsg fills. It belongs to the reader.
type inbox struct {
	six      bool
	used     int // how many messages the system has filled since prepare
	messages [batch]message
	vectors  [batch]unix.Iovec
	names    [batch]unix.RawSockaddrInet6 // the larger of the two
	controls [batch][controlWords]uint64
	bytes    [batch * largest]byte
}

func newInbox(six bool) *inbox {
	in := &inbox{six: six, used: batch}
	for i := range in.messages {
		in.vectors[i].Base = &in.bytes[i*largest]
		in.vectors[i].SetLen(largest)
		h := &in.messages[i].header
		h.Iov = &in.vectors[i]
		h.SetIovlen(1)
		h.Name = (*byte)(unsafe.Pointer(&in.names[i]))
		h.Control = (*byte)(unsafe.Pointer(&in.controls[i]))
	}
	return in
}

// prepare sets the lengths, which the system overwrites.
func (in *inbox) prepare() {
	for i := range in.messages[:in.used] {
		h := &in.messages[i].header
		h.Namelen = unix.SizeofSockaddrInet6
		h.SetControllen(controlWords * 8)
	}
	in.used = 0
}

func (in *inbox) packet(i int) []byte {
	return in.bytes[i*largest : i*largest+int(in.messages[i].length)]
}

// from is where packet i came from; IPv4 is never mapped.
func (in *inbox) from(i int) netip.AddrPort {
	name := &in.names[i]
	port := binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&name.Port))[:])
	if !in.six {
		four := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
		return netip.AddrPortFrom(netip.AddrFrom4(four.Addr), port)
	}
	a := netip.AddrFrom16(name.Addr).Unmap()
	if a.IsLinkLocalUnicast() && a.Is6() {
		a = a.WithZone(strconv.Itoa(int(name.Scope_id)))
	}
	return netip.AddrPortFrom(a, port)
}

// told is what the system says beside a packet.
type told struct {
	local   netip.Addr // where the packet was sent to; invalid: not said
	dropped bool
	drops   uint32 // packets lost since the socket was opened
}

// note reads what the system says beside packet i.
func (in *inbox) note(i int) (t told) {
	b := unsafe.Slice((*byte)(unsafe.Pointer(&in.controls[i])), controlWords*8)
	b = b[:min(len(b), int(in.messages[i].header.Controllen))]
	for len(b) >= unix.SizeofCmsghdr {
		h := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
		size := int(h.Len)
		if size < unix.SizeofCmsghdr || size > len(b) {
			return t
		}
		t.add(h, b[unix.CmsgLen(0):size])
		b = b[min(len(b), unix.CmsgSpace(size-unix.CmsgLen(0))):]
	}
	return t
}

// add reads one item: struct in_pktinfo, in6_pktinfo, or the 32 bits of SO_RXQ_OVFL.
func (t *told) add(h *unix.Cmsghdr, data []byte) {
	switch {
	case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
		t.local = netip.AddrFrom16([16]byte(data)).Unmap()
	case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO && len(data) >= unix.SizeofInet4Pktinfo:
		t.local = netip.AddrFrom4([4]byte(data[4:]))
	case h.Level == unix.SOL_SOCKET && h.Type == unix.SO_RXQ_OVFL && len(data) >= 4:
		t.dropped, t.drops = true, binary.NativeEndian.Uint32(data)
	}
}

// zoneIndex is the interface of a zone, which is its name or its number.
func zoneIndex(zone string) (uint32, error) {
	if zone == "" {
		return 0, nil
	}
	if n, err := strconv.ParseUint(zone, 10, 32); err == nil {
		return uint32(n), nil
	}
	i, err := net.InterfaceByName(zone)
	if err != nil {
		return 0, err
	}
	return uint32(i.Index), nil
}
