// Package vp8 reads what a forwarder must know of VP8 in RTP (RFC 7741), and renumbers its pictures.
package vp8

// Keyframe tells whether the payload begins a key frame: decoding may start with it.
func Keyframe(payload []byte) bool {
	if len(payload) == 0 || payload[0]&0x17 != 0x10 { // S set, partition 0: the first packet of a frame
		return false
	}
	n := descriptor(payload)
	return n > 0 && n < len(payload) && payload[n]&0x01 == 0
}

// Size is the width and height in a payload that begins a key frame (RFC 6386 section 9.1), 0 and 0 where it tells none.
func Size(payload []byte) (width, height int) {
	if !Keyframe(payload) {
		return 0, 0
	}
	b := payload[descriptor(payload):]
	if len(b) < 10 || b[3] != 0x9d || b[4] != 0x01 || b[5] != 0x2a {
		return 0, 0
	}
	return int(b[6]) | int(b[7]&0x3f)<<8, int(b[8]) | int(b[9]&0x3f)<<8
}

// descriptor is the length of the payload descriptor (RFC 7741 section 4.2), 0 if it is cut off.
func descriptor(b []byte) int {
	if b[0]&0x80 == 0 {
		return 1
	}
	if len(b) < 2 {
		return 0
	}
	n, ext := 2, b[1]
	if ext&0x80 != 0 { // picture id, 7 or 15 bits
		if len(b) <= n {
			return 0
		}
		n += 1 + int(b[n]>>7)
	}
	if ext&0x40 != 0 {
		n++ // TL0PICIDX
	}
	if ext&0x30 != 0 {
		n++ // TID, Y, KEYIDX
	}
	return n
}
