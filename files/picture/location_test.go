package picture

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"image"
	"image/png"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// packet is XMP in which the word "secret" stands wherever it tells of the place, and "kept" elsewhere.
const packet = `<?xpacket begin="x" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
 <rdf:Description rdf:about="" xmlns:exif="http://ns.adobe.com/exif/1.0/" exif:GPSLatitude="secret" tiff:Make = 'kept' exif:GPSLongitude = 'secret'
  drone-dji:GpsLongtitude="+secret" drone-dji:FlightYawDegree="+kept" geo:lat="secret" lat="kept" crs:Name="a > kept, exif:GPSLatitude=kept"/>
 <rdf:Description><exif:GPSAltitude>secret/10</exif:GPSAltitude><dc:title>kept GPSLatitude</dc:title><!-- kept -->
  <exif:GPSDestLatitude/><dc:subject>kept</dc:subject><Iptc4xmpExt:LocationCreated rdf:parseType="Resource"><exif:GPSLatitude>secret</exif:GPSLatitude><Iptc4xmpExt:City>kept</Iptc4xmpExt:City></Iptc4xmpExt:LocationCreated>
  <exif:GPSPosition rdf:parseType="Resource"><a:b c="secret" xml:lang="kept">secret<d e='secret'/>secret</a:b> secret</exif:GPSPosition><dc:rights a="kept">kept</dc:rights>
 </rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>`

func clean(t testing.TB, b []byte) []byte {
	t.Helper()
	got, err := io.ReadAll(WithoutLocation(bytes.NewReader(b)))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func deflated(t testing.TB, s string) string {
	t.Helper()
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	if _, err := z.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// located are pictures that tell where they were taken, by the word "secret", and how often they say "kept" and "Camera7".
func located(t testing.TB) map[string][]byte {
	t.Helper()
	m := corners(60, 40)
	intel, motorola := string(exifBlock(true, 6, somewhere())), string(exifBlock(false, 6, somewhere()))
	exif := func(s string) []byte { return segment(markerAPP1, exifPrefix, s) }
	part := func(at int, s string) []byte {
		head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(bytes.Repeat([]byte{'d'}, 32), uint32(len(packet))), uint32(at))
		return segment(markerAPP1, extendedPrefix, string(head), s)
	}
	return map[string][]byte{
		"JPEG":                       asJPEG(t, m, exif(intel)),
		"JPEG, the other order":      asJPEG(t, m, exif(motorola)),
		"JPEG, XMP":                  asJPEG(t, m, segment(markerAPP1, xmpPrefix, packet)),
		"JPEG, both":                 asJPEG(t, m, segment(0xe0, "JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"), exif(intel), segment(markerAPP1, xmpPrefix, packet)),
		"JPEG, XMP in two parts":     asJPEG(t, m, part(0, packet[:420]), part(420, packet[420:])),
		"JPEG, twice":                asJPEG(t, m, exif(intel), exif(motorola)),
		"JPEG, in one behind it":     append(asJPEG(t, m), asJPEG(t, m, exif(intel))...),
		"JPEG, in one within":        asJPEG(t, m, segment(0xe2, string(asJPEG(t, corners(8, 8), exif(motorola))))),
		"JPEG, behind a long part":   asJPEG(t, m, segment(0xe2, string(bytes.Repeat([]byte{0xff}, maxSegment-2))), exif(intel)),
		"JPEG, in the thumbnail":     asJPEG(t, m, exif(second(intel))),
		"PNG":                        asPNG(t, m, chunk("eXIf", intel)),
		"PNG, with JPEG's prefix":    asPNG(t, m, chunk("eXIf", exifPrefix+motorola)),
		"PNG, XMP":                   asPNG(t, m, chunk("iTXt", xmpKeyword+"\x00\x00\x00\x00\x00"+packet)),
		"PNG, XMP in tEXt":           asPNG(t, m, chunk("tEXt", xmpKeyword+"\x00"+packet)),
		"PNG, EXIF as text":          asPNG(t, m, chunk("zTXt", "Raw profile type exif\x00\x00secret")),
		"PNG, too long":              asPNG(t, m, chunk("eXIf", strings.Repeat("secret", maxExif/6+1))),
		"PNG, XMP that is no text":   asPNG(t, m, chunk("iTXt", xmpKeyword+"\x00\x01\x00x-default\x00\x00secret")),
		"WebP":                       riff(vp8x(60, 40, webpExif), vp8l(60, 40, violet), riffChunk("EXIF", []byte(intel))),
		"WebP, with JPEG's prefix":   riff(vp8x(60, 40, webpExif), vp8l(60, 40, violet), riffChunk("EXIF", []byte(exifPrefix+motorola)), riffChunk("EXIF", []byte(intel))),
		"WebP, XMP":                  riff(vp8x(60, 40, 4), vp8l(60, 40, violet), riffChunk("XMP ", []byte(packet+" ")), riffChunk("EXIF", []byte(intel))),
		"WebP, both, of odd lengths": riff(vp8x(60, 40, 4), riffChunk("XMP ", []byte(packet+"  "[:1-len(packet)%2])), riffChunk("EXIF", []byte(intel+"x")), vp8l(60, 40, violet)),
		"WebP, too long":             riff(vp8x(60, 40, webpExif), riffChunk("EXIF", []byte(strings.Repeat("secret", maxExif/6+1)+"x")), riffChunk("EXIF", []byte(intel)), vp8l(60, 40, violet)),
	}
}

// second puts the directory of GPS into one that follows the first.
func second(intel string) string {
	b := []byte(intel)
	n := int(binary.LittleEndian.Uint16(b[8:]))
	link := 8 + 2 + n*entrySize
	binary.LittleEndian.PutUint32(b[link:], uint32(len(b)))
	for i := range n {
		if entry := b[8+2+i*entrySize:][:entrySize]; binary.LittleEndian.Uint16(entry) == tagGPS {
			b = append(b, 1, 0)
			b = append(b, entry...)
			b = append(b, 0, 0, 0, 0)
			binary.LittleEndian.PutUint16(entry, 0x4242)
		}
	}
	return string(b)
}

func TestWithoutLocation(t *testing.T) {
	for name, b := range located(t) {
		before := bytes.Clone(b)
		got := clean(t, b)
		if !bytes.Equal(b, before) {
			t.Errorf("%s: the source was changed", name)
		}
		if len(got) != len(b) {
			t.Errorf("%s: %d bytes became %d", name, len(b), len(got))
		}
		if n := bytes.Count(got, []byte("secret")); n != 0 {
			t.Errorf("%s: the place is still told, %d times", name, n)
		}
		for _, word := range []string{"kept", "Camera7"} {
			if was, is := bytes.Count(b, []byte(word)), bytes.Count(got, []byte(word)); was != is {
				t.Errorf("%s: %q stood there %d times, and now %d", name, word, was, is)
			}
		}
		if again := clean(t, got); !bytes.Equal(again, got) {
			t.Errorf("%s: cleaning twice is not cleaning once", name)
		}
		for _, c := range []struct {
			b    []byte
			want bool
		}{{b, true}, {got, false}} {
			if has, err := HasLocation(bytes.NewReader(c.b)); err != nil || has != c.want {
				t.Errorf("%s: has a location: %v, %v, not %v", name, has, err, c.want)
			}
		}
		samePicture(t, name, b, got)
	}
}

// samePicture checks that two files show the same, the same way up.
func samePicture(t *testing.T, name string, a, b []byte) {
	t.Helper()
	one, err := readHeader(bytes.NewReader(a))
	if err != nil {
		t.Fatal(name, err)
	}
	other, err := readHeader(bytes.NewReader(b))
	if err != nil || one.orientation != other.orientation || one.width != other.width {
		t.Errorf("%s: %+v became %+v, %v", name, one, other, err)
	}
	before, err := one.decode(bytes.NewReader(a))
	if err != nil {
		t.Fatal(name, err)
	}
	after, err := other.decode(bytes.NewReader(b)) // checksums of PNG are checked here
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for _, p := range []image.Point{{0, 0}, {59, 0}, {0, 39}, {59, 39}, {30, 20}} {
		if before.At(p.X, p.Y) != after.At(p.X, p.Y) {
			t.Errorf("%s: the pixel at %v has changed", name, p)
		}
	}
}

// However the bytes come, the same bytes go.
func TestWithoutLocationInPieces(t *testing.T) {
	for name, b := range located(t) {
		if len(b) > 100_000 {
			continue
		}
		want := clean(t, b)
		for how, r := range map[string]io.Reader{
			"one by one":           iotest.OneByteReader(bytes.NewReader(b)),
			"by halves":            iotest.HalfReader(bytes.NewReader(b)),
			"the end with the end": iotest.DataErrReader(bytes.NewReader(b)),
		} {
			if err := iotest.TestReader(WithoutLocation(r), want); err != nil {
				t.Errorf("%s, %s: %v", name, how, err)
			}
		}
	}
}

// What is broken off comes out as far as it came in, with the error behind it.
func TestWithoutLocationBrokenOff(t *testing.T) {
	away := errors.New("away")
	for name, b := range located(t) {
		for _, n := range []int{0, 1, 2, 5, 13, 30, 64, 200, 333, len(b) - 1} {
			n = min(n, len(b))
			got, err := io.ReadAll(WithoutLocation(io.MultiReader(bytes.NewReader(b[:n]), iotest.ErrReader(away))))
			if !errors.Is(err, away) || len(got) != n {
				t.Errorf("%s: of %d bytes came %d, %v", name, n, len(got), err)
			}
			if got, err := io.ReadAll(WithoutLocation(bytes.NewReader(b[:n]))); err != nil || len(got) != n {
				t.Errorf("%s, cut: of %d bytes came %d, %v", name, n, len(got), err)
			}
		}
	}
	if _, err := HasLocation(iotest.ErrReader(away)); !errors.Is(err, away) {
		t.Error(err)
	}
}

// What tells of no place stays as it is, to the last byte.
func TestWithoutLocationOfOthers(t *testing.T) {
	m := corners(60, 40)
	exif := exifBlock(true, 6, nil)
	plainXMP := strings.NewReplacer("GPS", "XYZ", "Gps", "Xyz", "geo:", "abc:", "secret", "kept", "itude", "").Replace(packet)
	loop := bytes.Clone(exif)
	binary.LittleEndian.PutUint32(loop[8+2+3*entrySize:], 8) // the directory follows itself
	outside := exifBlock(true, 1, somewhere())
	for name, b := range map[string][]byte{
		"nothing":                  nil,
		"a letter":                 []byte("x"),
		"text":                     []byte(strings.Repeat("GPSLatitude=\"secret\" ", 100)),
		"JPEG":                     asJPEG(t, m, segment(markerAPP1, exifPrefix, string(exif)), segment(markerAPP1, xmpPrefix, plainXMP)),
		"JPEG, a loop":             asJPEG(t, m, segment(markerAPP1, exifPrefix, string(loop))),
		"JPEG of EXIF alone":       append([]byte("\xff\xd8"), segment(markerAPP1, exifPrefix)...),
		"JPEG of markers":          bytes.Repeat([]byte{0xff, 0xd8, 0xff, markerAPP1}, 50_000),
		"JPEG, others' segments":   asJPEG(t, m, segment(markerAPP1, "Exif: GPS"), segment(markerAPP1), segment(markerAPP1, "http://ns.adobe.com/")),
		"PNG":                      asPNG(t, m, chunk("eXIf", string(exif)), chunk("iTXt", xmpKeyword+"\x00\x00\x00\x00\x00"+plainXMP), chunk("tEXt", "GPSLatitude\x00kept")),
		"PNG, compressed XMP":      asPNG(t, m, chunk("iTXt", xmpKeyword+"\x00\x01\x00x-default\x00x\x00"+deflated(t, plainXMP)), chunk("zTXt", xmpKeyword+"\x00\x00"+deflated(t, plainXMP))),
		"PNG, a wrong checksum":    bytes.Replace(asPNG(t, m, chunk("iTXt", xmpKeyword+"\x00\x00\x00\x00\x00"+plainXMP+"q")), []byte("q"), []byte("r"), 1),
		"PNG, a chunk too long":    append([]byte(pngSignature), "\xff\xff\xff\xffeXIf"+string(outside)...),
		"WebP":                     riff(vp8x(60, 40, 0), vp8l(60, 40, violet), riffChunk("EXIF", exif), riffChunk("XMP ", []byte(plainXMP))),
		"WebP with a sound in it?": append([]byte("RIFF....WAVE"), riffChunk("EXIF", outside)...),
		"GIF":                      []byte("GIF89a" + string(segment(markerAPP1, exifPrefix, string(outside)))),
	} {
		if got := clean(t, b); !bytes.Equal(got, b) {
			t.Errorf("%s was changed", name)
		}
		if has, err := HasLocation(bytes.NewReader(b)); has || err != nil {
			t.Errorf("%s: has a location: %v, %v", name, has, err)
		}
	}
}

// Compressed XMP with a place in it becomes spaces.
func TestWithoutLocationCompressed(t *testing.T) {
	for name, c := range map[string][]byte{
		"iTXt":           chunk("iTXt", xmpKeyword+"\x00\x01\x00x-default\x00x\x00"+deflated(t, packet)),
		"zTXt":           chunk("zTXt", xmpKeyword+"\x00\x00"+deflated(t, packet)),
		"a bomb":         chunk("zTXt", xmpKeyword+"\x00\x00"+deflated(t, strings.Repeat("<a/>", maxInflated/2))),
		"longer than is": chunk("zTXt", xmpKeyword+"\x00\x00"+strings.Repeat("abcd", maxExif/3)),
	} {
		b := asPNG(t, corners(60, 40), c)
		got := clean(t, b)
		samePicture(t, name, b, got)
		want := chunk("tEXt", xmpKeyword+"\x00"+strings.Repeat(" ", len(c)-12-len(xmpKeyword)-1))
		if !bytes.Contains(got, want) {
			t.Errorf("%s: it is not all spaces", name)
		}
		if _, err := png.Decode(bytes.NewReader(got)); err != nil {
			t.Error(name, err)
		}
	}
}

// A file of any length goes through a window of fixed size.
func TestWithoutLocationMemory(t *testing.T) {
	for name, head := range map[string][]byte{
		"text": []byte("text"), "JPEG": asJPEG(t, corners(8, 8), segment(markerAPP1, xmpPrefix, packet)), "PNG": append([]byte(pngSignature), "\x7f\xff\xff\xffiTXt"+xmpKeyword+"\x00\x00\x00\x00\x00"+packet...),
		"WebP": append([]byte("RIFF....WEBP"), "XMP \xff\xff\xff\xff"...),
	} {
		const size = 64 << 20
		var was, is int64
		n := testing.AllocsPerRun(1, func() {
			r := WithoutLocation(io.MultiReader(bytes.NewReader(head), io.LimitReader(zeros{}, size)))
			was = int64(len(head)) + size
			var err error
			if is, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, r, make([]byte, 32<<10)); err != nil {
				t.Fatal(err)
			}
		})
		if is != was || n > 60 {
			t.Errorf("%s: %d bytes of %d, %v allocations", name, is, was, n)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func FuzzWithoutLocation(f *testing.F) {
	for _, b := range samples(f) {
		f.Add(b)
	}
	for _, b := range located(f) {
		if len(b) < 10_000 {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got := clean(t, b)
		if len(got) != len(b) {
			t.Fatalf("%d bytes became %d", len(b), len(got))
		}
		slow, err := io.ReadAll(WithoutLocation(iotest.OneByteReader(bytes.NewReader(b))))
		if err != nil || !bytes.Equal(slow, got) {
			t.Error("it depends on how the bytes come", err)
		}
		if has, err := HasLocation(bytes.NewReader(b)); err != nil || !has && !bytes.Equal(got, b) {
			t.Error("it was changed, and has no location", err)
		}
	})
}

// BenchmarkWithoutLocation has copying as its reference.
func BenchmarkWithoutLocation(b *testing.B) {
	photo := asJPEG(b, noise(4000, 3000), segment(markerAPP1, exifPrefix, string(exifBlock(true, 6, somewhere()))))
	for name, through := range map[string]func(io.Reader) io.Reader{"JPEG-12MP": WithoutLocation, "JPEG-12MP-reference": func(r io.Reader) io.Reader { return struct{ io.Reader }{r} }} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(photo)))
			for b.Loop() {
				if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, through(bytes.NewReader(photo)), make([]byte, 32<<10)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
