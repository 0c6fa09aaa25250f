package picture

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"testing"
)

// corners is a picture whose four quarters have colours of their own: red, green, blue and white, from the top left one row by row.
func corners(width, height int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			c := color.RGBA{255, 0, 0, 255}
			switch right, low := x >= width/2, y >= height/2; {
			case right && low:
				c = color.RGBA{255, 255, 255, 255}
			case low:
				c = color.RGBA{0, 0, 255, 255}
			case right:
				c = color.RGBA{0, 255, 0, 255}
			}
			m.SetRGBA(x, y, c)
		}
	}
	return m
}

// asJPEG encodes m and puts segments behind its first marker.
func asJPEG(t testing.TB, m image.Image, segments ...[]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 90}); err != nil {
		t.Fatal(err)
	}
	return bytes.Join([][]byte{b.Bytes()[:2], bytes.Join(segments, nil), b.Bytes()[2:]}, nil)
}

// segment is one of a JPEG.
func segment(marker byte, data ...string) []byte {
	all := []byte{0xff, marker, 0, 0}
	for _, d := range data {
		all = append(all, d...)
	}
	binary.BigEndian.PutUint16(all[2:], uint16(len(all)-2))
	return all
}

// asPNG encodes m and puts chunks behind its header.
func asPNG(t testing.TB, m image.Image, chunks ...[]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	fast := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := fast.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	const header = 8 + 8 + 13 + 4
	return bytes.Join([][]byte{b.Bytes()[:header], bytes.Join(chunks, nil), b.Bytes()[header:]}, nil)
}

// chunk is one of a PNG.
func chunk(kind, data string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(b, kind+data...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

// emptyPNG says that it has that many pixels, and has none.
func emptyPNG(width, height uint32, depth, colour, interlace byte) []byte {
	head := binary.BigEndian.AppendUint32(nil, width)
	head = binary.BigEndian.AppendUint32(head, height)
	head = append(head, depth, colour, 0, 0, interlace)
	return bytes.Join([][]byte{[]byte(pngSignature), chunk("IHDR", string(head)), chunk("IDAT", "x\x9c"), chunk("IEND", "")}, nil)
}

func asGIF(t testing.TB, width, height int, frames ...*image.Paletted) []byte {
	t.Helper()
	var b bytes.Buffer
	g := &gif.GIF{Image: frames, Delay: make([]int, len(frames)), Config: image.Config{Width: width, Height: height}}
	if err := gif.EncodeAll(&b, g); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// riff is a WebP of these chunks.
func riff(chunks ...[]byte) []byte {
	all := append([]byte("RIFF....WEBP"), bytes.Join(chunks, nil)...)
	binary.LittleEndian.PutUint32(all[4:], uint32(len(all)-8))
	return all
}

// riffChunk is one of a WebP.
func riffChunk(kind string, data []byte) []byte {
	b := binary.LittleEndian.AppendUint32([]byte(kind), uint32(len(data)))
	b = append(b, data...)
	if len(data)%2 == 1 {
		b = append(b, 0)
	}
	return b
}

// vp8x is the chunk that says how large the canvas is.
func vp8x(width, height int, flags byte) []byte {
	return riffChunk("VP8X", []byte{flags, 0, 0, 0, byte(width - 1), byte((width - 1) >> 8), byte((width - 1) >> 16),
		byte(height - 1), byte((height - 1) >> 8), byte((height - 1) >> 16)})
}

// vp8l is a lossless picture of one colour, some 20 bytes whatever its size.
func vp8l(width, height int, c color.NRGBA) []byte {
	var bits []bool
	put := func(value, n int) {
		for i := range n {
			bits = append(bits, value>>i&1 == 1)
		}
	}
	put(0x2f, 8)
	put(width-1, 14)
	put(height-1, 14)
	put(1, 1) // there is alpha
	put(0, 3) // version
	put(0, 3) // no transform, no colour cache, one group of trees
	for _, symbol := range []uint8{c.G, c.R, c.B, c.A, 0} {
		put(1, 1) // a simple tree
		put(0, 1) // of one symbol
		put(1, 1) // of eight bits
		put(int(symbol), 8)
	}
	b := make([]byte, (len(bits)+7)/8+1)
	for i, set := range bits {
		if set {
			b[i/8] |= 1 << (i % 8)
		}
	}
	return riffChunk("VP8L", b)
}

// webpExif is the bit of a canvas that says that there is EXIF.
const webpExif = 1 << 3

// animation is a moving WebP of one frame at x, y.
func animation(width, height, x, y int, frame []byte, frameWidth, frameHeight int) []byte {
	le := func(n int) []byte { return []byte{byte(n), byte(n >> 8), byte(n >> 16)} }
	anmf := bytes.Join([][]byte{le(x / 2), le(y / 2), le(frameWidth - 1), le(frameHeight - 1), {100, 0, 0, 0}, frame}, nil)
	return riff(vp8x(width, height, 1<<1|webpAlpha), riffChunk("ANIM", make([]byte, 6)), riffChunk("ANMF", anmf))
}

// greyJPEG is a grey picture of nothing but zero bits: each block repeats the one before it. Where it is progressive, only the first scan is there.
func greyJPEG(width, height int, progressive bool) []byte {
	marker, last := byte(markerSOF0), "\x3f"
	if progressive {
		marker, last = markerSOF2, "\x00"
	}
	head := string([]byte{8, byte(height >> 8), byte(height), byte(width >> 8), byte(width), 1, 1, 0x11, 0})
	onlyZero := "\x01" + string(make([]byte, 15)) + "\x00" // one code of one bit, for the symbol 0
	blocks := (width + 7) / 8 * ((height + 7) / 8)
	bits := blocks
	if !progressive {
		bits *= 2
	}
	return bytes.Join([][]byte{{0xff, 0xd8}, segment(0xdb, "\x00", string(bytes.Repeat([]byte{1}, 64))), segment(marker, head),
		segment(0xc4, "\x00", onlyZero, "\x10", onlyZero), segment(markerSOS, "\x01\x01\x00\x00", last, "\x00"),
		make([]byte, (bits+7)/8), {0xff, 0xd9}}, nil)
}

// field is an entry of a directory of TIFF.
type field struct {
	tag, kind uint16
	count     uint32
	value     []byte // as stored
}

// exifBlock is EXIF with a camera's name, an orientation and, unless it is nil, a directory of GPS; little-endian where intel.
func exifBlock(intel bool, turned uint16, gps []field) []byte {
	var order interface {
		binary.ByteOrder
		binary.AppendByteOrder
	} = binary.BigEndian
	b := []byte("MM\x00*")
	if intel {
		order, b = binary.LittleEndian, []byte("II*\x00")
	}
	b = order.AppendUint32(b, 8)
	fields := []field{{0x010f, 2, 8, []byte("Camera7\x00")}, {tagOrientation, 3, 1, order.AppendUint16(nil, turned)}}
	if gps != nil {
		fields = append(fields, field{tag: tagGPS, kind: 4, count: 1})
	}
	fields = append(fields, field{0x9c9b, 1, 6, []byte("a\x00b\x00c\x00")})
	directory := func(fields []field) {
		begin := len(b)
		values := begin + 2 + len(fields)*entrySize + 4
		b = order.AppendUint16(b, uint16(len(fields)))
		var behind []byte
		for _, f := range fields {
			b = order.AppendUint16(b, f.tag)
			b = order.AppendUint16(b, f.kind)
			b = order.AppendUint32(b, f.count)
			if len(f.value) <= 4 {
				b = append(append(b, f.value...), make([]byte, 4-len(f.value))...)
				continue
			}
			b = order.AppendUint32(b, uint32(values+len(behind)))
			behind = append(behind, f.value...)
		}
		b = append(order.AppendUint32(b, 0), behind...)
	}
	directory(fields)
	if gps != nil {
		for i, f := range fields {
			if f.tag == tagGPS {
				order.PutUint32(b[8+2+i*entrySize+8:], uint32(len(b)))
			}
		}
		directory(gps)
	}
	return b
}

// somewhere is a directory of GPS; its values hold the word "secret".
func somewhere() []field {
	place := []byte("secretsecretsecretsecret") // three rational numbers
	return []field{{0, 1, 4, []byte{2, 3, 0, 0}}, {1, 2, 2, []byte("N\x00")}, {2, 5, 3, place}, {3, 2, 2, []byte("E\x00")}, {4, 5, 3, place}, {29, 2, 11, []byte("secretdate\x00")}}
}

// Lossy WebPs of 16×12 pixels, made by a browser; the second has nothing to see but in its first quarter.
const (
	browserWebP  = "UklGRmgAAABXRUJQVlA4IFwAAABwAwCdASoQAAwAAUAmJagCdLoBJgP4BhAH8A9v+7AAXxUo6WAA/vaJ34Al8qPyvZmq/+A0/4P5fOgIuVQ/YzZf/ntP/RSb//Tsn/792MSZ0GCH/7UgbhhZvHAAAA=="
	browserAlpha = "UklGRnIAAABXRUJQVlA4WAoAAAAQAAAADwAACwAAQUxQSBQAAAABDzD/ERFCLJjkL903hoj+T8CJA1ZQOCA4AAAAcAEAnQEqEAAMAAFAJiWoAuwBQAAA/vw8n/9tp/9sm//3Wf//xczg/wce9//gXn/j/9iGp/QAAAA="
)

// lossyWebP is one that is opaque.
func lossyWebP(t testing.TB) []byte {
	t.Helper()
	return decoded(t, browserWebP)
}

// alphaWebP is one that one can see through.
func alphaWebP(t testing.TB) []byte {
	t.Helper()
	return decoded(t, browserAlpha)
}

func decoded(t testing.TB, s string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
