package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/color/palette"
	"image/jpeg"
	"io"
	"testing"

	"golang.org/x/image/webp"
)

var violet = color.NRGBA{120, 40, 200, 255}

// counting counts what is read of a picture.
type counting struct {
	*bytes.Reader
	read int
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.read += n
	return n, err
}

func TestDimensions(t *testing.T) {
	small, wide := corners(40, 30), corners(333, 21)
	exif := func(o uint16) []byte { return segment(markerAPP1, exifPrefix, string(exifBlock(true, o, nil))) }
	long := segment(0xe2, string(make([]byte, maxSegment-2)))
	for name, c := range map[string]struct {
		b             []byte
		width, height int
	}{
		"JPEG":                     {asJPEG(t, small), 40, 30},
		"JPEG, odd":                {asJPEG(t, wide), 333, 21},
		"JPEG, grey":               {greyJPEG(61, 9, false), 61, 9},
		"JPEG, progressive":        {greyJPEG(65535, 65535, true)[:300], 65535, 65535},
		"JPEG, upright":            {asJPEG(t, small, exif(1)), 40, 30},
		"JPEG, on its head":        {asJPEG(t, small, exif(3)), 40, 30},
		"JPEG, turned":             {asJPEG(t, small, exif(6)), 30, 40},
		"JPEG, turned the other":   {asJPEG(t, small, segment(markerAPP1, exifPrefix, string(exifBlock(false, 8, nil)))), 30, 40},
		"JPEG, absurd orientation": {asJPEG(t, small, exif(9)), 40, 30},
		"JPEG, EXIF far behind":    {asJPEG(t, small, long, long, long, exif(5)), 30, 40},
		"JPEG, two EXIF":           {asJPEG(t, small, exif(1), exif(5)), 40, 30},
		"JPEG, fill bytes":         {asJPEG(t, small, []byte{0xff, 0xff, 0xff}, exif(7)), 30, 40},
		"JPEG, rubbish in between": {asJPEG(t, small, segment(0xfe, "x"), []byte{1, 2, 3, 0xff, 0, 4, 0xff, 0xd0}, exif(7)), 30, 40},
		"PNG":                      {asPNG(t, small), 40, 30},
		"PNG, turned":              {asPNG(t, small, chunk("tEXt", "a\x00b"), chunk("eXIf", string(exifBlock(true, 6, nil)))), 30, 40},
		"PNG, a bomb":              {emptyPNG(60000, 60000, 8, 6, 0), 60000, 60000},
		"GIF":                      {asGIF(t, 40, 30, image.NewPaletted(image.Rect(3, 4, 20, 20), palette.Plan9)), 40, 30},
		"GIF, a huge screen":       {[]byte("GIF89a\xff\xff\xff\xff\x00\x00\x00"), 65535, 65535},
		"WebP, lossy":              {lossyWebP(t), 16, 12},
		"WebP, lossless":           {riff(vp8l(40, 30, violet)), 40, 30},
		"WebP, extended":           {riff(vp8x(40, 30, webpExif), riffChunk("ICCP", make([]byte, 99_999)), vp8l(40, 30, violet), riffChunk("EXIF", exifBlock(true, 6, nil))), 40, 30},
		"WebP, a huge canvas":      {riff(vp8x(1<<24, 1<<24, 0)), 1 << 24, 1 << 24},
		"WebP, moving":             {animation(50, 60, 4, 6, vp8l(20, 30, violet), 20, 30), 50, 60},
		"WebP, see-through":        {alphaWebP(t), 16, 12},
		"PNG, EXIF behind":         {append(asPNG(t, small), chunk("eXIf", string(exifBlock(true, 6, nil)))...), 40, 30},
	} {
		r := &counting{Reader: bytes.NewReader(c.b)}
		width, height, err := Dimensions(r)
		if err != nil || width != c.width || height != c.height {
			t.Errorf("%s: %d×%d, %v; not %d×%d", name, width, height, err, c.width, c.height)
		}
		if width, height, err = Dimensions(r); err != nil || width != c.width || height != c.height {
			t.Errorf("%s, read again: %d×%d, %v", name, width, height, err)
		}
		if n := testing.AllocsPerRun(3, func() { _, _, _ = Dimensions(r) }); n > 40 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func TestNoDimensions(t *testing.T) {
	for name, b := range map[string][]byte{
		"nothing":                    nil,
		"a letter":                   []byte("x"),
		"text":                       bytes.Repeat([]byte("text "), 100),
		"BMP":                        []byte("BM\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
		"JPEG, its first bytes":      []byte("\xff\xd8\xff"),
		"JPEG without a frame":       append([]byte("\xff\xd8"), segment(0xe0, "JFIF\x00")...),
		"JPEG without an end":        append([]byte("\xff\xd8\xff"), bytes.Repeat([]byte{0xff}, 5<<20)...),
		"JPEG of markers":            append([]byte("\xff\xd8\xff"), bytes.Repeat([]byte{0xff, 0xd0}, 5<<20)...),
		"JPEG, lossless":             bytes.Replace(greyJPEG(8, 8, false), []byte{0xff, 0xc0}, []byte{0xff, 0xc3}, 1),
		"JPEG without width":         greyJPEG(0, 8, false),
		"JPEG, no sampling":          bytes.Replace(greyJPEG(8, 8, false), []byte{1, 1, 0x11}, []byte{1, 1, 0}, 1),
		"JPEG, a negative segment":   []byte("\xff\xd8\xff\xe0\x00\x01"),
		"PNG, its signature":         []byte(pngSignature + "12345678"),
		"PNG, another chunk first":   append([]byte(pngSignature), chunk("IDAT", "1234567890123")...),
		"PNG without height":         emptyPNG(9, 0, 8, 2, 0),
		"PNG, negative":              emptyPNG(9, 1<<31, 8, 2, 0),
		"GIF without a screen":       []byte("GIF89a\x00\x00\x00\x00\x00\x00\x00"),
		"GIF, cut":                   []byte("GIF89a\x01\x00\x01"),
		"WebP without chunks":        riff(),
		"WebP with unknown ones":     riff(riffChunk("ABCD", nil), riffChunk("ABCD", []byte{1})),
		"WebP, a frame without size": riff(riffChunk("VP8 ", []byte{0, 0, 0, 0x9d, 1, 0x2a, 0, 0, 0, 0})),
		"WebP, no key frame":         riff(riffChunk("VP8 ", make([]byte, 100))),
		"WebP, two canvases":         riff(riffChunk("VP8X", nil)),
	} {
		r := &counting{Reader: bytes.NewReader(b)}
		if w, h, err := Dimensions(r); !errors.Is(err, ErrNotPicture) || !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: %d×%d, %v", name, w, h, err)
		}
		if r.read > maxHeader+64<<10 {
			t.Errorf("%s: %d bytes were read", name, r.read)
		}
	}
}

// failing reads well for a while.
type failing struct {
	*bytes.Reader
	left int
	err  error
}

func (f *failing) Read(p []byte) (int, error) {
	if f.left == 0 {
		return 0, f.err
	}
	n, err := f.Reader.Read(p[:min(len(p), f.left)])
	f.left -= n
	return n, err
}

// What the reader fails with is not taken for a fault of the picture.
func TestDimensionsOfWhatCannotBeRead(t *testing.T) {
	away := errors.New("away")
	exif := segment(markerAPP1, exifPrefix, string(exifBlock(true, 6, nil)))
	for name, b := range map[string][]byte{
		"JPEG": asJPEG(t, corners(40, 30), exif),
		"PNG":  asPNG(t, corners(40, 30), chunk("eXIf", string(exifBlock(true, 6, nil)))),
		"GIF":  asGIF(t, 40, 30, image.NewPaletted(image.Rect(0, 0, 40, 30), palette.Plan9)),
		"WebP": riff(vp8x(40, 30, webpExif), vp8l(40, 30, violet), riffChunk("EXIF", exifBlock(true, 6, nil))),
	} {
		for left := range 12 {
			_, _, err := Dimensions(&failing{bytes.NewReader(b), left, away})
			if !errors.Is(err, away) || errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("%s, after %d bytes: %v", name, left, err)
			}
		}
	}
}

// TestMemoryIsKnownBefore holds what a header says that decoding takes against what it takes.
func TestMemoryIsKnownBefore(t *testing.T) {
	const w, h = 700, 500
	at := image.Rect(0, 0, w, h)
	opaque := corners(w, h)
	see := image.NewNRGBA(at)
	for name, b := range map[string][]byte{
		"JPEG":                       asJPEG(t, opaque),
		"JPEG, grey":                 greyJPEG(w, h, false),
		"JPEG, progressive":          greyJPEG(w, h, true),
		"JPEG, no YCbCr":             rgbJPEG(t, opaque),
		"PNG, colour":                asPNG(t, opaque),
		"PNG, see-through":           asPNG(t, see),
		"PNG, grey":                  asPNG(t, image.NewGray(at)),
		"PNG, grey, see-through":     asPNG(t, image.NewGray(at), chunk("tRNS", "\x00\x00")),
		"PNG, deep":                  asPNG(t, image.NewNRGBA64(at)),
		"PNG, deep grey":             asPNG(t, image.NewGray16(at)),
		"PNG, deep grey see-through": asPNG(t, image.NewGray16(at), chunk("tRNS", "\x00\x00")),
		"PNG, palette":               asPNG(t, image.NewPaletted(at, palette.Plan9)),
		"GIF":                        asGIF(t, w, h, image.NewPaletted(at, palette.Plan9)),
		"GIF, a part":                asGIF(t, w, h, image.NewPaletted(image.Rect(1, 0, w, h), palette.Plan9)),
		"WebP, lossless":             riff(vp8l(w, h, violet)),
		"WebP, moving":               animation(w, h, 0, 0, vp8l(w-2, h-2, violet), w-2, h-2),
	} {
		r := bytes.NewReader(b)
		head, err := readHeader(r)
		if err != nil {
			t.Fatal(name, err)
		}
		head.orientation = 0
		taken := int64(allocated(func() {
			if _, err := r.Seek(head.frame.offset, io.SeekStart); err != nil {
				t.Fatal(err)
			}
			if _, err := head.decode(r); err != nil {
				t.Fatal(name, err)
			}
		}))
		const overhead = 200 << 10
		if taken > head.memory+overhead || !bytes.HasPrefix([]byte(name), []byte("GIF")) && !bytes.HasPrefix([]byte(name), []byte("WebP")) && taken < head.memory*9/10 {
			t.Errorf("%s takes %d bytes, %d were foretold", name, taken, head.memory)
		}
	}
}

// rgbJPEG says that its components are red, green and blue.
func rgbJPEG(t testing.TB, m image.Image) []byte {
	t.Helper()
	b := asJPEG(t, m, segment(markerAPP14, "Adobe\x00\x64\x00\x00\x00\x00\x00"))
	if m, err := jpeg.Decode(bytes.NewReader(b)); err != nil || fmt.Sprintf("%T", m) != "*image.RGBA" {
		t.Fatalf("it is decoded as %T, %v", m, err)
	}
	return b
}

func FuzzDimensions(f *testing.F) {
	for _, b := range samples(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := &counting{Reader: bytes.NewReader(b)}
		h, err := readHeader(r)
		if r.read > maxHeader+maxExif+64<<10 {
			t.Errorf("%d bytes were read", r.read)
		}
		if err != nil && !errors.Is(err, ErrNotPicture) {
			t.Error(err)
		}
		want, known := config(b)
		if known && want.Width > 0 && want.Height > 0 && (err != nil || h.width != want.Width || h.height != want.Height) {
			t.Errorf("%d×%d, %v; the decoder sees %d×%d", h.width, h.height, err, want.Width, want.Height)
		}
	})
}

// config is what a decoder reads of the header.
func config(b []byte) (image.Config, bool) {
	read := webp.DecodeConfig
	if formatOf(b) != formatWebP {
		read = func(r io.Reader) (image.Config, error) {
			c, _, err := image.DecodeConfig(r)
			return c, err
		}
	}
	c, err := read(bytes.NewReader(b))
	return c, err == nil && formatOf(b) != unknown // image takes what begins with two bytes for a JPEG
}

// samples are pictures of all kinds, with all kinds of things in them.
func samples(t testing.TB) [][]byte {
	t.Helper()
	m := corners(20, 14)
	gps := exifBlock(true, 6, somewhere())
	packet := "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:Description exif:GPSLatitude=\"1,2N\" tiff:Make='a'><exif:GPSLongitude>3</exif:GPSLongitude></rdf:Description></x:xmpmeta>"
	return [][]byte{
		nil, []byte("text"), asJPEG(t, m), rgbJPEG(t, m), greyJPEG(20, 14, true),
		asJPEG(t, m, segment(markerAPP1, exifPrefix, string(gps)), segment(markerAPP1, xmpPrefix, packet),
			segment(markerAPP1, extendedPrefix, string(make([]byte, 40)), packet)),
		asPNG(t, m, chunk("eXIf", string(exifBlock(false, 8, somewhere()))), chunk("iTXt", xmpKeyword+"\x00\x00\x00\x00\x00"+packet),
			chunk("zTXt", "Raw profile type exif\x00\x00x"), chunk("tEXt", "a\x00b")),
		emptyPNG(9, 9, 16, 6, 1), asGIF(t, 20, 14, image.NewPaletted(image.Rect(2, 2, 9, 9), palette.Plan9)),
		lossyWebP(t), riff(vp8x(20, 14, webpExif|webpAlpha), vp8l(20, 14, violet), riffChunk("EXIF", gps), riffChunk("XMP ", []byte(packet))),
		animation(20, 14, 2, 4, vp8l(8, 8, violet), 8, 8),
	}
}
