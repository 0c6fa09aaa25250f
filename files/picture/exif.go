package picture

import (
	"encoding/binary"
	"math"
	"strings"
)

// Tags of EXIF (CIPA DC-008), which is a TIFF of its own.
const (
	tagOrientation = 0x0112
	tagExif        = 0x8769
	tagGPS         = 0x8825
)

const (
	// maxExif is how much EXIF is looked into; what is longer is taken for rubbish.
	maxExif = 1 << 20
	// maxDirectories and maxEntries are more than any camera writes.
	maxDirectories = 16
	maxEntries     = 256
	entrySize      = 12
)

// tiff is a block of EXIF. Offsets in it count from its first byte.
type tiff struct {
	b     []byte
	order binary.ByteOrder
}

// openTIFF finds the directory that a block of EXIF begins with. Some writers put JPEG's prefix before it elsewhere too.
func openTIFF(b []byte) (t tiff, first int, ok bool) {
	if strings.HasPrefix(string(b[:min(len(b), len(exifPrefix))]), exifPrefix) {
		b = b[len(exifPrefix):]
	}
	if len(b) < 8 {
		return tiff{}, 0, false
	}
	switch string(b[:4]) {
	case "II*\x00":
		t = tiff{b, binary.LittleEndian}
	case "MM\x00*":
		t = tiff{b, binary.BigEndian}
	default:
		return tiff{}, 0, false
	}
	return t, t.offset(4), true
}

// offset reads a 32-bit number; where it lies outside: one that is outside too.
func (t tiff) offset(at int) int {
	if at < 0 || at > len(t.b)-4 {
		return math.MaxInt32
	}
	return int(t.order.Uint32(t.b[at:]))
}

// short reads a 16-bit number, 0 outside.
func (t tiff) short(at int) int {
	if at < 0 || at > len(t.b)-2 {
		return 0
	}
	return int(t.order.Uint16(t.b[at:]))
}

// entries is how many entries of the directory at at are there.
func (t tiff) entries(at int) int {
	return max(0, min(t.short(at), (len(t.b)-at-2)/entrySize))
}

// orientation returns how EXIF says a picture is to be turned, 1 to 8; 1 where it says nothing that makes sense.
func orientation(exif []byte) int {
	t, at, ok := openTIFF(exif)
	if !ok {
		return 1
	}
	for i := range t.entries(at) {
		entry := at + 2 + i*entrySize
		if t.short(entry) == tagOrientation {
			if o := t.short(entry + 8); o >= 1 && o <= 8 {
				return o
			}
		}
	}
	return 1
}

// dropGPS takes the place out of a block of EXIF, in place: the directories that GPS entries point to are blanked, with all their
// values, and the entries themselves removed. It reports whether there were any.
func dropGPS(exif []byte) (found bool) {
	t, first, ok := openTIFF(exif)
	if !ok {
		return false
	}
	todo := []int{first}
	for range maxDirectories {
		if len(todo) == 0 {
			break
		}
		at := todo[0]
		todo = todo[1:]
		for i := 0; i < t.entries(at); i++ {
			entry := at + 2 + i*entrySize
			switch t.short(entry) {
			case tagGPS:
				gps := t.offset(entry + 8)
				t.remove(at, i)
				t.blank(gps)
				found = true
				i--
			case tagExif:
				todo = append(todo, t.offset(entry+8))
			}
		}
		if n := t.entries(at); n > 0 && n == t.short(at) {
			todo = append(todo, t.offset(at+2+n*entrySize))
		}
	}
	return found
}

// remove closes the gap that the entry i of the directory at at leaves.
func (t tiff) remove(at, i int) {
	n := t.entries(at)
	begin := at + 2 + i*entrySize
	end := min(at+2+n*entrySize+4, len(t.b)) // with the offset of the next directory
	copy(t.b[begin:end], t.b[begin+entrySize:end])
	clear(t.b[end-entrySize : end])
	t.order.PutUint16(t.b[at:], uint16(n-1))
}

// blank overwrites a directory and its values with zeros.
func (t tiff) blank(at int) {
	n := t.entries(at)
	for i := range min(n, maxEntries) {
		entry := at + 2 + i*entrySize
		size := valueSize(t.short(entry+2)) * t.offset(entry+4)
		if value := t.offset(entry + 8); size > 4 && value < len(t.b) {
			clear(t.b[value:min(value+size, len(t.b))])
		}
	}
	if n > 0 {
		clear(t.b[at:min(at+2+n*entrySize+4, len(t.b))])
	}
}

// valueSize is how many bytes a value of a type of TIFF takes.
func valueSize(kind int) int {
	switch kind {
	case 3, 8:
		return 2
	case 4, 9, 11:
		return 4
	case 5, 10, 12:
		return 8
	}
	return 1
}
