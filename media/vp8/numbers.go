package vp8

// Numbers are those that a payload descriptor gives its picture, and where they stand. The zero value is that of a payload without any.
type Numbers struct {
	picture   uint16
	level     uint8 // TL0PICIDX: counts the pictures of the lowest temporal layer
	pictureAt uint8 // place in the payload, 0 for none
	levelAt   uint8 // likewise
	long      bool  // the picture's number has 15 bits, not 7
}

// ReadNumbers finds the numbers in a payload.
func ReadNumbers(payload []byte) Numbers {
	var n Numbers
	if len(payload) < 2 || payload[0]&0x80 == 0 || descriptor(payload) == 0 || descriptor(payload) > len(payload) {
		return n
	}
	at, ext := uint8(2), payload[1]
	if ext&0x80 != 0 {
		n.pictureAt = at
		if n.long = payload[at]&0x80 != 0; n.long {
			n.picture = uint16(payload[at]&0x7f)<<8 | uint16(payload[at+1])
			at++
		} else {
			n.picture = uint16(payload[at])
		}
		at++
	}
	if ext&0x40 != 0 {
		n.levelAt, n.level = at, payload[at]
	}
	return n
}

// Shift is what is added to the numbers of one source.
type Shift struct {
	picture uint16
	level   uint8
}

// Write puts the shifted numbers into the payload that n was read from, or a copy of it.
func (n Numbers) Write(payload []byte, s Shift) {
	if n.pictureAt != 0 {
		picture := n.picture + s.picture
		if n.long {
			payload[n.pictureAt] = 0x80 | byte(picture>>8)
			payload[n.pictureAt+1] = byte(picture)
		} else {
			payload[n.pictureAt] = byte(picture) & 0x7f
		}
	}
	if n.levelAt != 0 {
		payload[n.levelAt] = n.level + s.level
	}
}

// Numbering is that of one outgoing stream, which goes on across sources. The zero value is ready. Not safe for concurrent use.
type Numbering struct {
	shift   Shift
	picture uint16 // highest sent; only as many bits count as the source's numbers have
	level   uint8
	begun   bool
}

// Begin makes the picture with these numbers follow the one sent last, and gives the shift that does so.
func (x *Numbering) Begin(n Numbers) Shift {
	if x.begun {
		x.shift = Shift{picture: x.picture + 1 - n.picture, level: x.level + 1 - n.level}
	}
	return x.shift
}

// Sent notes that a picture with these numbers left, shifted as the latest Begin said.
func (x *Numbering) Sent(n Numbers) {
	mask := uint16(1<<7 - 1)
	if n.long {
		mask = 1<<15 - 1
	}
	picture, level := n.picture+x.shift.picture, n.level+x.shift.level
	if !x.begun {
		x.begun, x.picture, x.level = true, picture, level
		return
	}
	if ahead := (picture - x.picture) & mask; ahead <= mask/2 {
		x.picture += ahead
	}
	if ahead := level - x.level; ahead < 1<<7 {
		x.level = level
	}
}
