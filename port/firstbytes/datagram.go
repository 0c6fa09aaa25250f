// Package firstbytes tells by its first bytes what a datagram or a stream is, so that everything can share one port. It holds no
// state and no sockets, and allocates nothing.
package firstbytes

import "encoding/binary"

// Kind says who a datagram is for.
type Kind uint8

// The kinds of datagrams.
const (
	Garbage Kind = iota // nobody
	ICE                 // STUN for an ICE agent
	DTLS                // the handshake and data channels of a peer
	RTP                 // media of a peer
	RTCP                // reports of a peer
	Relay               // TURN, and STUN of those who only ask for their address
	Kinds               // how many kinds there are
)

// String names the kind for logs and counters.
func (k Kind) String() string {
	if k >= Kinds {
		return "unknown"
	}
	return [Kinds]string{"garbage", "ice", "dtls", "rtp", "rtcp", "relay"}[k]
}

// The parts of STUN that matter here (RFC 8489, sections 5 and 14).
const (
	cookie        = 0x2112A442
	stunHeader    = 20
	methodBinding = 0x001
	notRequest    = 0x0110 // the class bits: set in indications, in responses, or in both
	userName      = 0x0006
)

// The least bytes that a packet of each kind has.
const (
	leastDTLS    = 13 // record header, RFC 6347 section 4.1
	leastRTP     = 12 // RFC 3550 section 5.1
	leastRTCP    = 8  // RFC 3550 section 6.4
	leastChannel = 4  // RFC 8656 section 12.4
)

// Datagram sorts one datagram (RFC 7983, section 7). STUN is told apart further, because an ICE agent and a relay listen on the same port.
// Older clients number channels up to 0x7FFF (RFC 5766, section 11), so all of 64 to 127 is the relay's.
func Datagram(b []byte) Kind {
	if len(b) < leastChannel {
		return Garbage
	}
	switch c := b[0]; {
	case c < 4:
		return message(b)
	case c >= 20 && c < 64 && len(b) >= leastDTLS:
		return DTLS
	case c >= 64 && c < 128:
		return Relay
	case c >= 128 && c < 192:
		return media(b)
	}
	return Garbage
}

// media tells RTP from RTCP by what would be the packet type (RFC 5761, section 4).
func media(b []byte) Kind {
	switch control := b[1] >= 192 && b[1] <= 223; {
	case control && len(b) >= leastRTCP:
		return RTCP
	case !control && len(b) >= leastRTP:
		return RTP
	}
	return Garbage
}

// message tells the STUN of ICE agents from that of a relay's clients. Our agents ask too, so responses are for them; and their requests,
// unlike those of a plain STUN client, name a user (RFC 8445, section 7.2.2).
func message(b []byte) Kind {
	if len(b) < stunHeader || binary.BigEndian.Uint32(b[4:]) != cookie {
		return Garbage
	}
	size := int(binary.BigEndian.Uint16(b[2:]))
	if size%4 != 0 || size > len(b)-stunHeader {
		return Garbage
	}
	kind := binary.BigEndian.Uint16(b)
	method := kind&0xf | kind>>1&0x70 | kind>>2&0xf80
	switch {
	case method != methodBinding:
		return Relay
	case kind&notRequest != 0:
		return ICE
	}
	return request(b[stunHeader : stunHeader+size])
}

// request sorts a Binding request by its attributes.
func request(attributes []byte) Kind {
	for len(attributes) >= 4 {
		if binary.BigEndian.Uint16(attributes) == userName {
			return ICE
		}
		next := 4 + (int(binary.BigEndian.Uint16(attributes[2:]))+3)&^3
		if next > len(attributes) {
			return Garbage
		}
		attributes = attributes[next:]
	}
	return Relay
}
