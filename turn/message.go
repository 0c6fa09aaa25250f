package turn

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"

	"github.com/pion/stun/v4"
)

// The parts of STUN (RFC 8489 section 5) and TURN (RFC 8656) that are read and
// written for every packet, and so without the library's copies. Everything in a
// message is what somebody sent: nothing here trusts a length.

const (
	stunHeader     = 20
	cookie         = 0x2112A442
	channelHeader  = 4
	attributeHead  = 4
	peerAddress4   = 8
	peerAddress6   = 20
	dataIndication = 0x0017
	sendIndication = 0x0016
)

// headroom is what a Data indication needs in front of its payload, with an IPv6 peer.
const headroom = stunHeader + attributeHead + peerAddress6 + attributeHead

// isMessage tells whether a datagram is one whole STUN message, as far as its header goes.
func isMessage(b []byte) bool {
	return len(b) >= stunHeader && b[0] < 4 && binary.BigEndian.Uint32(b[4:]) == cookie &&
		len(b)%4 == 0 && int(binary.BigEndian.Uint16(b[2:])) == len(b)-stunHeader
}

func messageType(b []byte) stun.MessageType {
	var t stun.MessageType
	t.ReadValue(binary.BigEndian.Uint16(b))
	return t
}

// attributes calls each for the attributes of a message until it returns false,
// and tells whether all of them were whole.
func attributes(b []byte, each func(stun.AttrType, []byte) bool) bool {
	for at := stunHeader; at < len(b); {
		if at+attributeHead > len(b) {
			return false
		}
		n := int(binary.BigEndian.Uint16(b[at+2:]))
		end := at + attributeHead + n
		if end > len(b) {
			return false
		}
		if !each(stun.AttrType(binary.BigEndian.Uint16(b[at:])), b[at+attributeHead:end]) {
			return true
		}
		at = (end + 3) &^ 3
	}
	return true
}

// peerOf decodes an XOR-PEER-ADDRESS of message b, RFC 8489 section 14.2.
func peerOf(b, value []byte) (netip.AddrPort, bool) {
	if len(value) < attributeHead {
		return netip.AddrPort{}, false
	}
	port := binary.BigEndian.Uint16(value[2:]) ^ cookie>>16
	switch {
	case value[1] == 1 && len(value) == peerAddress4:
		var a [4]byte
		xor(a[:], value[4:], b[4:])
		return netip.AddrPortFrom(netip.AddrFrom4(a), port), true
	case value[1] == 2 && len(value) == peerAddress6:
		var a [16]byte
		xor(a[:], value[4:], b[4:])
		return netip.AddrPortFrom(netip.AddrFrom16(a), port), true
	}
	return netip.AddrPort{}, false
}

func xor(dst, a, b []byte) {
	for i := range dst {
		dst[i] = a[i] ^ b[i]
	}
}

// send is what a Send indication asks for, RFC 8656 section 11.2.
type send struct {
	to      netip.AddrPort
	payload []byte // of the message it was read from
}

// parseSend reads a Send indication. One with an attribute that must be understood
// and is not, DONT-FRAGMENT among them, is not good (RFC 8656 section 15).
func parseSend(b []byte) (send, bool) {
	var s send
	good, data := true, false
	whole := attributes(b, func(t stun.AttrType, value []byte) bool {
		switch {
		case t == stun.AttrXORPeerAddress:
			s.to, good = peerOf(b, value)
		case t == stun.AttrData:
			s.payload, data = value, true
		case t.Required():
			good = false
		}
		return good
	})
	return s, whole && good && data && s.to.IsValid()
}

// wrap makes what goes to a client of a payload of n bytes that lies in buf after
// headroom, with room for padding behind it: ChannelData when there is a channel,
// else a Data indication. It is made in place, in front of the payload.
func wrap(buf []byte, n int, from netip.AddrPort, channel uint16) []byte {
	if channel != 0 {
		b := buf[headroom-channelHeader : headroom+n]
		binary.BigEndian.PutUint16(b, channel)
		binary.BigEndian.PutUint16(b[2:], uint16(n))
		return b
	}
	size := peerAddress4
	if from.Addr().Is6() {
		size = peerAddress6
	}
	start := headroom - (stunHeader + 2*attributeHead + size)
	end := headroom + (n+3)&^3
	clear(buf[headroom+n : end])
	b := buf[start:end]
	binary.BigEndian.PutUint16(b, dataIndication)
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)-stunHeader))
	binary.BigEndian.PutUint32(b[4:], cookie)
	binary.BigEndian.PutUint64(b[8:], rand.Uint64())
	binary.BigEndian.PutUint32(b[16:], rand.Uint32())
	peer := b[stunHeader:]
	binary.BigEndian.PutUint16(peer, uint16(stun.AttrXORPeerAddress))
	binary.BigEndian.PutUint16(peer[2:], uint16(size))
	peer[4], peer[5] = 0, 1
	binary.BigEndian.PutUint16(peer[6:], from.Port()^cookie>>16)
	if from.Addr().Is4() {
		a := from.Addr().As4()
		xor(peer[8:12], a[:], b[4:])
	} else {
		peer[5] = 2
		a := from.Addr().As16()
		xor(peer[8:24], a[:], b[4:])
	}
	data := b[stunHeader+attributeHead+size:]
	binary.BigEndian.PutUint16(data, uint16(stun.AttrData))
	binary.BigEndian.PutUint16(data[2:], uint16(n))
	return b
}
