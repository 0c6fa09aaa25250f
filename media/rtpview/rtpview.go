// Package rtpview reads an RTP packet (RFC 3550) and its header extensions (RFC 8285) in place, without allocating.
package rtpview

import (
	"encoding/binary"
	"errors"
)

// ErrMalformed is returned for anything that is no RTP packet.
var ErrMalformed = errors.New("malformed RTP packet")

// View is a packet taken apart; its slices point into the bytes given to Parse.
type View struct {
	Marker  bool
	Type    uint8 // payload type
	Seq     uint16
	Time    uint32
	SSRC    uint32
	Payload []byte // without padding
	ext     []byte
	two     bool // two-byte extension headers
}

// Parse reads b. The view is valid as long as b is not changed.
func Parse(b []byte) (View, error) {
	var v View
	if len(b) < 12 || b[0]>>6 != 2 {
		return v, ErrMalformed
	}
	v.Marker, v.Type = b[1]&0x80 != 0, b[1]&0x7f
	v.Seq = binary.BigEndian.Uint16(b[2:])
	v.Time = binary.BigEndian.Uint32(b[4:])
	v.SSRC = binary.BigEndian.Uint32(b[8:])
	rest := b[12:]
	csrc := 4 * int(b[0]&0x0f)
	if len(rest) < csrc {
		return v, ErrMalformed
	}
	rest = rest[csrc:]
	if b[0]&0x10 != 0 {
		var ok bool
		if rest, ok = v.extension(rest); !ok {
			return v, ErrMalformed
		}
	}
	if b[0]&0x20 != 0 {
		if len(rest) == 0 || int(rest[len(rest)-1]) > len(rest) || rest[len(rest)-1] == 0 {
			return v, ErrMalformed
		}
		rest = rest[:len(rest)-int(rest[len(rest)-1])]
	}
	v.Payload = rest
	return v, nil
}

// extension takes the extension block off the front of b.
func (v *View) extension(b []byte) ([]byte, bool) {
	if len(b) < 4 {
		return nil, false
	}
	profile, n := binary.BigEndian.Uint16(b), 4*int(binary.BigEndian.Uint16(b[2:]))
	b = b[4:]
	if len(b) < n {
		return nil, false
	}
	switch {
	case profile == 0xbede:
		v.ext = b[:n]
	case profile>>4 == 0x100:
		v.ext, v.two = b[:n], true
	}
	return b[n:], true
}

// Extension gives the element with that id (1 to 14, or 255 in two-byte form), nil if there is none or id is 0.
func (v *View) Extension(id uint8) []byte {
	if id == 0 {
		return nil
	}
	for x := v.ext; len(x) > 0; {
		if x[0] == 0 {
			x = x[1:]
			continue
		}
		got, n, head := x[0]>>4, int(x[0]&0x0f)+1, 1
		if v.two {
			if len(x) < 2 {
				return nil
			}
			got, n, head = x[0], int(x[1]), 2
		} else if got == 15 {
			return nil // RFC 8285 section 4.2: stop here
		}
		if len(x) < head+n {
			return nil
		}
		if got == id {
			return x[head : head+n]
		}
		x = x[head+n:]
	}
	return nil
}
