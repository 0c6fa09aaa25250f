package picture

import (
	"bytes"
	"encoding/binary"
)

// What APP1 segments with metadata begin with. Of XMP too long for one segment, each begins with extendedPrefix, a digest of
// 32 bytes, the length of all and the offset of this part (XMP specification part 3, section 1.1.3.1).
const (
	xmpPrefix      = "http://ns.adobe.com/xap/1.0/\x00"
	extendedPrefix = "http://ns.adobe.com/xmp/extension/\x00"
	extendedHead   = len(extendedPrefix) + 32 + 4 + 4
)

// jpeg hands out up to the next APP1 segment, or that. It takes one for that wherever it lies: cameras append further pictures, and
// put some into segments.
func (c *cleaner) jpeg() {
	c.has(1)
	at := bytes.Index(c.buf, []byte{0xff, markerAPP1})
	switch {
	case at > 0:
		c.hand(at)
	case at < 0 && c.err == nil && len(c.buf) > 0 && c.buf[len(c.buf)-1] == 0xff:
		if len(c.buf) > 1 {
			c.hand(len(c.buf) - 1)
			return
		}
		if c.has(2) && c.buf[1] != markerAPP1 {
			c.hand(1)
		}
	case at < 0:
		c.hand(len(c.buf))
	default:
		c.app1()
	}
}

// app1 hands out the segment that buf begins with, without the place; or its marker, where it is of another kind.
func (c *cleaner) app1() {
	const head = 4 // marker and length
	kind := ""
	if c.has(head+extendedHead) || len(c.buf) > head {
		for _, prefix := range []string{exifPrefix, xmpPrefix, extendedPrefix} {
			if bytes.HasPrefix(c.buf[head:], []byte(prefix)) {
				kind = prefix
			}
		}
	}
	if kind == "" {
		c.hand(2)
		return
	}
	length := 2 + int(binary.BigEndian.Uint16(c.buf[2:]))
	c.has(length)
	c.hand(length)
	if len(c.out) < head+len(kind) {
		return
	}
	switch data := c.out[head+len(kind):]; kind {
	case exifPrefix:
		c.found = dropGPS(data) || c.found
	case xmpPrefix:
		c.packet = xmp{}
		c.blankXMP(data)
	case extendedPrefix:
		c.extended(data)
	}
}

// extended blanks a part of a long packet behind its prefix. Parts come in order.
func (c *cleaner) extended(data []byte) {
	const head = extendedHead - len(extendedPrefix)
	if len(data) < head {
		return
	}
	if binary.BigEndian.Uint32(data[head-4:]) == 0 {
		c.long = xmp{}
	}
	c.long.blank(data[head:])
	c.found = c.found || c.long.found
}
