package picture

import "encoding/binary"

const webpChunkHead = 8 // kind and length

// webpChunk begins the next chunk.
func (c *cleaner) webpChunk() {
	if !c.has(webpChunkHead) {
		c.next = nil
		return
	}
	length := int64(binary.LittleEndian.Uint32(c.buf[4:]))
	c.pass, c.edit = length+length&1, nil
	switch string(c.buf[:4]) {
	case "EXIF":
		if length > maxExif {
			c.edit = c.zero
			break
		}
		c.has(webpChunkHead + int(length))
		data := c.buf[webpChunkHead:min(webpChunkHead+int(length), len(c.buf))]
		c.found = dropGPS(data) || c.found
	case "XMP ":
		c.packet = xmp{}
		c.edit = c.blankXMP
	}
	c.next = (*cleaner).passWebP
	c.hand(webpChunkHead)
}

func (c *cleaner) passWebP() { c.passing((*cleaner).webpChunk) }
