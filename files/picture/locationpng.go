package picture

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"io"
)

const (
	pngChunkHead = 8  // length and type
	maxKeyword   = 79 // of a text chunk (PNG third edition, section 11.3.3)
	maxInflated  = 4 << 20
)

const xmpKeyword = "XML:com.adobe.xmp"

// pngChunk begins the next chunk.
func (c *cleaner) pngChunk() {
	if !c.has(pngChunkHead) {
		c.next = nil
		return
	}
	length := int64(binary.BigEndian.Uint32(c.buf))
	if length > 1<<31-1 {
		c.next = nil
		return
	}
	switch kind := string(c.buf[4:8]); kind {
	case "eXIf":
		if length > maxExif {
			c.editChunk(length, kind, c.zero)
			return
		}
		c.has(pngChunkHead + int(length) + 4)
		data := c.buf[pngChunkHead:min(pngChunkHead+int(length), len(c.buf))]
		if dropGPS(data) {
			c.found = true
			c.sign(length)
		}
	case "tEXt", "zTXt", "iTXt":
		if c.pngText(length, kind) {
			return
		}
	}
	c.pass, c.edit = pngChunkHead+length+4, nil
	c.next = (*cleaner).passPNG
}

func (c *cleaner) passPNG() { c.passing((*cleaner).pngChunk) }

// sign computes anew the checksum of the chunk that buf begins with, if all of it is there.
func (c *cleaner) sign(length int64) {
	end := pngChunkHead + int(length)
	if len(c.buf) >= end+4 {
		binary.BigEndian.PutUint32(c.buf[end:], crc32.ChecksumIEEE(c.buf[4:end]))
	}
}

// editChunk makes the chunk that buf begins with one of that kind, passes its data through edit, and puts its checksum behind it.
func (c *cleaner) editChunk(length int64, kind string, edit func([]byte)) {
	before := crc32.ChecksumIEEE(c.buf[4:pngChunkHead])
	c.found = c.found || string(c.buf[4:pngChunkHead]) != kind
	copy(c.buf[4:], kind)
	after := crc32.ChecksumIEEE(c.buf[4:pngChunkHead])
	c.pass = length
	c.edit = func(b []byte) {
		before = crc32.Update(before, crc32.IEEETable, b)
		edit(b)
		after = crc32.Update(after, crc32.IEEETable, b)
	}
	checksum := func(c *cleaner) {
		if c.has(4) && binary.BigEndian.Uint32(c.buf) == before { // one that was wrong stays so
			binary.BigEndian.PutUint32(c.buf, after)
		}
		c.hand(4)
		c.next = (*cleaner).pngChunk
	}
	c.next = func(c *cleaner) { c.passing(checksum) }
	c.hand(pngChunkHead)
}

// pngText deals with a text chunk that may tell of the place, and reports whether buf begins with one.
func (c *cleaner) pngText(length int64, kind string) bool {
	n := int(min(length, maxKeyword+2))
	c.has(pngChunkHead + n)
	keyword, rest, ok := bytes.Cut(c.buf[pngChunkHead:min(len(c.buf), pngChunkHead+n)], []byte{0})
	if !ok {
		return false
	}
	plain := kind == "tEXt" || kind == "iTXt" && len(rest) > 0 && rest[0] == 0
	switch string(keyword) {
	case xmpKeyword:
		switch {
		case plain:
			c.packet = xmp{}
			c.editChunk(length, kind, c.blankXMP)
		case length <= maxExif && !c.compressedPlace(length, kind):
			return false
		default:
			c.blankText(length, len(keyword))
		}
		return true
	case "Raw profile type exif", "Raw profile type APP1", "Raw profile type xmp": // hexadecimal, of ImageMagick
		c.blankText(length, len(keyword))
		return true
	}
	return false
}

// blankText makes a text chunk one of nothing but spaces behind its keyword: tEXt, which has no fields that these would not fit.
func (c *cleaner) blankText(length int64, keyword int) {
	keep := keyword + 1
	c.editChunk(length, "tEXt", func(b []byte) {
		n := min(keep, len(b))
		keep -= n
		for i, old := range b[n:] {
			b[n+i] = ' '
			c.found = c.found || old != ' '
		}
	})
}

// compressedPlace reports whether the text chunk that buf begins with holds compressed XMP that tells of the place, or what cannot be
// read.
func (c *cleaner) compressedPlace(length int64, kind string) bool {
	c.has(pngChunkHead + int(length))
	data := c.buf[pngChunkHead+len(xmpKeyword)+1 : min(len(c.buf), pngChunkHead+int(length))]
	data = data[min(1, len(data)):] // the method, or the flag
	if kind == "iTXt" {
		data = data[min(1, len(data)):]
		_, data, _ = bytes.Cut(data, []byte{0}) // the language
		_, data, _ = bytes.Cut(data, []byte{0}) // the keyword in it
	}
	z, err := zlib.NewReader(bytes.NewReader(data))
	if err != nil {
		return true
	}
	defer z.Close()
	var packet xmp
	text := make([]byte, 4096)
	for left := maxInflated; left > 0; {
		n, err := z.Read(text)
		packet.blank(text[:n])
		if packet.found || err == io.EOF {
			return packet.found
		}
		if err != nil {
			return true
		}
		left -= n
	}
	return true
}
