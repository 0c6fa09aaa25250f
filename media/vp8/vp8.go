// Package vp8 reads what a forwarder must know of VP8 in RTP (RFC 7741).
package vp8

// Keyframe tells whether the payload begins a key frame: decoding may start with it.
func Keyframe(payload []byte) bool {
	if len(payload) == 0 || payload[0]&0x17 != 0x10 { // S set, partition 0: the first packet of a frame
		return false
	}
	n := descriptor(payload)
	return n > 0 && n < len(payload) && payload[n]&0x01 == 0
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
