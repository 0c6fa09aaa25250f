package firstbytes

import "encoding/binary"

// Protocol says what a stream speaks.
type Protocol uint8

// The protocols of streams.
const (
	Unknown Protocol = iota // none of ours
	More                    // it takes more bytes to tell
	HTTP
	TLS
	TURN   // STUN messages and channel data as they are (RFC 8656, section 2.1)
	ICETCP // STUN in frames of RFC 4571 (RFC 6544, section 3)
)

// Enough is how many bytes it takes at most until the answer is not More.
const Enough = 10

const (
	record  = 0x16 // a TLS handshake, RFC 8446 section 5.1
	maxType = 0x03 // the first byte of a STUN message
	maxHigh = 0x07 // the first byte of an ICE frame's length: nobody begins with more than 2 KB
)

// Stream sorts a stream by its first bytes. A client of each of these speaks first. b may be longer than Enough.
func Stream(b []byte) Protocol {
	if len(b) == 0 {
		return More
	}
	switch c := b[0]; {
	case c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z':
		return HTTP
	case c == record:
		return TLS
	case c > maxHigh:
		return Unknown
	case len(b) < 8:
		return More
	case c <= maxType && binary.BigEndian.Uint32(b[4:]) == cookie:
		return TURN
	case len(b) < Enough:
		return More
	case binary.BigEndian.Uint32(b[6:]) == cookie:
		return ICETCP
	}
	return Unknown
}
