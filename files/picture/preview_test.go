package picture

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/color/palette"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// noise is a picture as hard to encode as a photo.
func noise(width, height int) *image.YCbCr {
	m := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio420)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range m.Y {
		m.Y[i] = uint8(i%width*200/width) + uint8(random.IntN(24))
	}
	for i := range m.Cb {
		m.Cb[i], m.Cr[i] = 90, 160
	}
	return m
}

const enough = 192 << 20

func preview(t testing.TB, b []byte) image.Image {
	t.Helper()
	small, err := NewMaker(enough, time.Minute).Preview(context.Background(), bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := image.Decode(bytes.NewReader(small))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestPreviewSize(t *testing.T) {
	for name, c := range map[string]struct {
		b             []byte
		width, height int
	}{
		"small":            {asJPEG(t, corners(40, 30)), 40, 30},
		"just":             {asJPEG(t, corners(512, 512)), 512, 512},
		"a little more":    {asJPEG(t, corners(513, 100)), 512, 100},
		"nearly double":    {asPNG(t, corners(1023, 1000)), 512, 500},
		"double":           {asPNG(t, corners(1024, 700)), 512, 350},
		"large, odd":       {asJPEG(t, corners(1299, 777)), 512, 306},
		"very wide":        {asPNG(t, corners(20_001, 3)), 512, 1},
		"very high":        {asPNG(t, corners(3, 20_001)), 1, 512},
		"a pixel":          {asPNG(t, corners(1, 1)), 1, 1},
		"grey":             {greyJPEG(5000, 400, false), 512, 41},
		"progressive":      {greyJPEG(1500, 2000, true), 384, 512},
		"no YCbCr":         {rgbJPEG(t, corners(700, 500)), 512, 366},
		"deep":             {asPNG(t, image.NewNRGBA64(image.Rect(0, 0, 2100, 1100))), 512, 268},
		"of a palette":     {asPNG(t, image.NewPaletted(image.Rect(0, 0, 2100, 1100), palette.Plan9)), 512, 268},
		"WebP, lossy":      {lossyWebP(t), 16, 12},
		"WebP, lossless":   {riff(vp8l(3000, 2000, violet)), 512, 341},
		"WebP, moving":     {animation(1000, 600, 20, 40, vp8l(300, 200, violet), 300, 200), 512, 307},
		"GIF":              {asGIF(t, 700, 300, image.NewPaletted(image.Rect(3, 4, 200, 200), palette.Plan9)), 512, 219},
		"rest behind it":   {append(asJPEG(t, corners(600, 600)), asJPEG(t, corners(9, 9))...), 512, 512},
		"WebP, VP8X, VP8L": {riff(vp8x(600, 600, webpAlpha), vp8l(600, 600, violet)), 512, 512},
	} {
		if size := preview(t, c.b).Bounds().Size(); size != image.Pt(c.width, c.height) {
			t.Errorf("%s: %v, not %d×%d", name, size, c.width, c.height)
		}
	}
}

// near reports whether two colours are nearly the same.
func near(a, b color.Color) bool {
	ar, ag, ab, aa := a.RGBA()
	br, bg, bb, ba := b.RGBA()
	off := func(x, y uint32) bool { return max(x, y)-min(x, y) > 0x1800 }
	return !off(ar, br) && !off(ag, bg) && !off(ab, bb) && !off(aa, ba)
}

// TestPreviewIsTurned looks at the four corners of a picture in all its eight orientations, scaled in all ways.
func TestPreviewIsTurned(t *testing.T) {
	red, green, blue, white := color.RGBA{255, 0, 0, 255}, color.RGBA{0, 255, 0, 255}, color.RGBA{0, 0, 255, 255}, color.RGBA{255, 255, 255, 255}
	for o, want := range map[uint16][4]color.RGBA{
		1: {red, green, blue, white}, 2: {green, red, white, blue}, 3: {white, blue, green, red}, 4: {blue, white, red, green},
		5: {red, blue, green, white}, 6: {blue, red, white, green}, 7: {white, green, blue, red}, 8: {green, white, red, blue},
	} {
		exif := exifBlock(o%2 == 0, o, nil)
		for _, size := range []image.Point{{90, 60}, {800, 500}, {1300, 901}} {
			for name, b := range map[string][]byte{
				"JPEG": asJPEG(t, corners(size.X, size.Y), segment(markerAPP1, exifPrefix, string(exif))),
				"PNG":  asPNG(t, corners(size.X, size.Y), chunk("eXIf", string(exif))),
			} {
				m := preview(t, b)
				w, h, err := Dimensions(bytes.NewReader(b))
				if err != nil || (w > h) != (m.Bounds().Dx() > m.Bounds().Dy()) {
					t.Errorf("%s, orientation %d: %d×%d, the preview %v, %v", name, o, w, h, m.Bounds(), err)
				}
				right, low := m.Bounds().Dx()-3, m.Bounds().Dy()-3
				for i, p := range []image.Point{{2, 2}, {right, 2}, {2, low}, {right, low}} {
					if got := m.At(p.X, p.Y); !near(got, want[i]) {
						t.Errorf("%s of %v, orientation %d, corner %d: %v, not %v", name, size, o, i, got, want[i])
					}
				}
			}
		}
	}
}

// One can see through the preview where one can through the picture.
func TestPreviewIsSeeThrough(t *testing.T) {
	m := image.NewNRGBA(image.Rect(0, 0, 2000, 1000))
	for y := range 1000 {
		for x := range 1000 {
			m.SetNRGBA(x, y, color.NRGBA{200, 10, 10, 255})
		}
	}
	part := image.NewPaletted(image.Rect(0, 0, 500, 600), color.Palette{color.RGBA{200, 10, 10, 255}})
	for name, b := range map[string][]byte{
		"PNG":          asPNG(t, m),
		"GIF":          asGIF(t, 1000, 600, part),
		"WebP, moving": animation(1000, 600, 0, 0, vp8l(500, 600, color.NRGBA{200, 10, 10, 255}), 500, 600),
	} {
		small := preview(t, b)
		if left, right := small.At(20, 20), small.At(500, 20); !near(left, color.RGBA{200, 10, 10, 255}) || !near(right, color.RGBA{}) {
			t.Errorf("%s: %v on the left, %v on the right", name, left, right)
		}
	}
	half := preview(t, riff(vp8l(2000, 1000, color.NRGBA{200, 100, 50, 128}))).At(9, 9)
	if !near(half, color.NRGBA{200, 100, 50, 128}) {
		t.Errorf("half see-through: %v", half)
	}
}

// What its colours mean goes along with a picture.
func TestPreviewKeepsTheProfile(t *testing.T) {
	profile := bytes.Repeat([]byte("p"), 500)
	copy(profile[16:], "RGB ")
	inks := bytes.Replace(profile, []byte("RGB "), []byte("CMYK"), 1)
	long := append(bytes.Clone(profile), make([]byte, maxProfile)...)
	m := corners(60, 40)
	app2 := func(p []byte) []byte { return segment(markerAPP2, profilePrefix, "\x01\x01", string(p)) }
	for name, c := range map[string]struct {
		b    []byte
		kept bool
	}{
		"JPEG":             {asJPEG(t, m, segment(markerAPP2, "MPF\x00"), app2(profile)), true},
		"JPEG, turned":     {asJPEG(t, m, app2(profile), segment(markerAPP1, exifPrefix, string(exifBlock(true, 6, nil)))), true},
		"JPEG, for inks":   {asJPEG(t, m, app2(inks)), false},
		"JPEG, long":       {asJPEG(t, m, app2(long)), false},
		"JPEG, in parts":   {asJPEG(t, m, segment(markerAPP2, profilePrefix, "\x01\x02", string(profile))), false},
		"JPEG, none":       {asJPEG(t, m, app2(nil)), false},
		"PNG":              {asPNG(t, m, chunk("iCCP", "name\x00\x00"+deflated(t, string(profile)))), true},
		"PNG, a bomb":      {asPNG(t, m, chunk("iCCP", "name\x00\x00"+deflated(t, string(make([]byte, 1<<20))))), false},
		"PNG, rubbish":     {asPNG(t, m, chunk("iCCP", "name\x00\x00"+string(profile))), false},
		"WebP":             {riff(vp8x(60, 40, 1<<5), riffChunk("ICCP", profile), vp8l(60, 40, violet)), true},
		"PNG, see-through": {asPNG(t, image.NewNRGBA(m.Rect), chunk("iCCP", "name\x00\x00"+deflated(t, string(profile)))), false},
	} {
		small, err := NewMaker(enough, time.Minute).Preview(t.Context(), bytes.NewReader(c.b))
		if err != nil {
			t.Fatal(name, err)
		}
		h, err := readHeader(bytes.NewReader(small))
		if err != nil || (h.profile != nil) != c.kept || c.kept && !bytes.Equal(h.profile, profile) {
			t.Errorf("%s: %v, %d bytes of profile, %v", name, h.format, len(h.profile), err)
		}
		if _, _, err := image.Decode(bytes.NewReader(small)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPreviewOfBombs counts what pictures cost that are larger than they are long.
func TestPreviewOfBombs(t *testing.T) {
	for name, b := range map[string][]byte{
		"PNG":                         emptyPNG(60000, 60000, 8, 6, 0),
		"PNG, black and white":        emptyPNG(60000, 60000, 1, 0, 0),
		"PNG, all there can be":       emptyPNG(1<<31-1, 1<<31-1, 16, 6, 1),
		"PNG, a line":                 emptyPNG(1<<31-1, 1, 1, 0, 0),
		"PNG, a column":               emptyPNG(1, 1<<31-1, 1, 0, 0),
		"GIF":                         []byte("GIF89a\xff\xff\xff\xff\x00\x00\x00;"),
		"JPEG":                        greyJPEG(65535, 65535, false)[:400],
		"JPEG, progressive":           greyJPEG(12000, 12000, true)[:400],
		"WebP, lossless":              riff(vp8l(16384, 16384, violet)),
		"WebP, canvas":                riff(vp8x(1<<24, 1<<24, 0), vp8l(9, 9, violet)),
		"WebP, alpha":                 riff(vp8x(16384, 16384, webpAlpha), riffChunk("ALPH", []byte{0}), vp8l(9, 9, violet)),
		"WebP, a chunk of a gigabyte": riff(append([]byte("VP8 \xff\xff\xff\x3f"), 0, 0, 0, 0x9d, 1, 0x2a, 9, 0, 9, 0)),
		"WebP, moving":                animation(1<<24, 1<<24, 0, 0, vp8l(9, 9, violet), 9, 9),
		"WebP, a huge frame":          animation(9, 9, 0, 0, vp8l(16384, 16384, violet), 16384, 16384),
	} {
		m := NewMaker(enough, time.Minute)
		taken := allocated(func() {
			if _, err := m.Preview(t.Context(), bytes.NewReader(b)); !errors.Is(err, ErrTooLarge) || !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("%s: %v", name, err)
			}
		})
		if taken > 64<<10 {
			t.Errorf("%s: %d bytes were allocated", name, taken)
		}
	}
}

// Headers that lie in less cost what they say, and no more.
func TestPreviewOfLies(t *testing.T) {
	frame := string([]byte{8, 0xff, 0xff, 0xff, 0xff, 1, 1, 0x11, 0})
	small := greyJPEG(64, 64, true)
	later := asJPEG(t, corners(64, 64))
	end := len(later) - 2
	for name, b := range map[string][]byte{
		"JPEG, a second frame":       bytes.Replace(small, []byte{0xff, markerSOS}, append(segment(markerSOF0, frame), 0xff, markerSOS), 1),
		"JPEG, a frame behind":       append(small[:len(small)-2:len(small)-2], segment(markerSOF2, frame)...),
		"JPEG, other colours behind": append(append(later[:end:end], segment(markerAPP0, "xxxxx")...), segment(markerAPP14, "Adobe\x00\x64\x00\x00\x00\x00\x00")...),
		"JPEG, cut":                  later[:len(later)/2],
		"PNG, cut":                   asPNG(t, noise(64, 64))[:200],
		"PNG without pixels":         emptyPNG(900, 900, 8, 6, 0),
		"GIF, a frame outside":       append([]byte("GIF89a\x09\x00\x09\x00\x80\x00\x00......"), ",\x00\x00\x00\x00\xff\xff\xff\xff\x00\x08"...),
		"WebP, another size within":  riff(vp8x(9, 9, 0), vp8l(16384, 16384, violet)),
		"WebP, two canvases":         riff(vp8x(9, 9, webpAlpha), vp8x(16384, 16384, webpAlpha), vp8l(16384, 16384, violet)),
		"WebP, cut":                  riff(vp8x(9, 9, 0)),
		"WebP, a frame of another":   animation(9, 9, 0, 0, vp8l(16384, 16384, violet), 9, 9),
	} {
		m := NewMaker(enough, time.Minute)
		taken := allocated(func() {
			if _, err := m.Preview(t.Context(), bytes.NewReader(b)); !errors.Is(err, ErrBroken) || !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("%s: %v", name, err)
			}
		})
		if taken > 8<<20 {
			t.Errorf("%s: %d bytes were allocated", name, taken)
		}
	}
	if _, err := NewMaker(enough, time.Minute).Preview(t.Context(), bytes.NewReader([]byte("text"))); !errors.Is(err, ErrNotPicture) {
		t.Errorf("text: %v", err)
	}
}

// allocated is how many bytes do allocates.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// watched tells of every read.
type watched struct {
	*bytes.Reader
	read func()
}

func (w watched) Read(p []byte) (int, error) {
	w.read()
	return w.Reader.Read(p)
}

// A decoder whose time is over reads nothing more.
func TestPreviewEnds(t *testing.T) {
	photo := asJPEG(t, noise(1000, 1000))
	ctx, cancel := context.WithCancel(t.Context())
	reads := 0
	r := watched{bytes.NewReader(photo), func() {
		if reads++; reads == 40 {
			cancel()
		}
	}}
	if _, err := NewMaker(enough, time.Minute).Preview(ctx, r); !errors.Is(err, context.Canceled) || errors.Is(err, errors.ErrUnsupported) || reads != 40 {
		t.Errorf("who asked has gone: %v after %d reads", err, reads)
	}
	reads = 0
	if _, err := NewMaker(enough, 1).Preview(t.Context(), watched{bytes.NewReader(photo), func() { reads++ }}); !errors.Is(err, ErrTooLarge) || reads > 2 {
		t.Errorf("its time is over: %v after %d reads", err, reads)
	}
	away := errors.New("away")
	if _, err := NewMaker(enough, time.Minute).Preview(t.Context(), &failing{bytes.NewReader(photo), 9000, away}); !errors.Is(err, away) || errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("the store is away: %v", err)
	}
}

// gate calls enter when it is sought the second time: to be decoded.
type gate struct {
	*bytes.Reader
	seeks int
	enter func()
}

func (g *gate) Seek(offset int64, whence int) (int64, error) {
	if g.seeks++; g.seeks == 2 {
		g.enter()
	}
	return g.Reader.Seek(offset, whence)
}

// TestPreviewsTakeTurns asks for many at once: two are decoded at a time, and a large one alone.
func TestPreviewsTakeTurns(t *testing.T) {
	for name, c := range map[string]struct {
		b      []byte
		atOnce int32
	}{
		"small": {asJPEG(t, noise(600, 600)), 2},
		"large": {greyJPEG(2500, 2500, true), 1}, // 31 MB
	} {
		m := NewMaker(64<<20, time.Minute)
		const asked = 8
		var inside, most atomic.Int32
		entered, leave := make(chan struct{}, asked), make(chan struct{})
		var all sync.WaitGroup
		for range asked {
			all.Go(func() {
				g := &gate{Reader: bytes.NewReader(c.b), enter: func() {
					now := inside.Add(1)
					for was := most.Load(); now > was && !most.CompareAndSwap(was, now); was = most.Load() {
					}
					entered <- struct{}{}
					<-leave
					inside.Add(-1)
				}}
				if _, err := m.Preview(t.Context(), g); err != nil {
					t.Error(err)
				}
			})
		}
		for range c.atOnce {
			<-entered
		}
		for range asked {
			leave <- struct{}{}
		}
		all.Wait()
		if n := most.Load(); n != c.atOnce {
			t.Errorf("%s: %d at once, not %d", name, n, c.atOnce)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m := NewMaker(64<<20, time.Minute)
	if err := m.room.Acquire(t.Context(), 64<<20); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Preview(ctx, bytes.NewReader(greyJPEG(9, 9, false))); !errors.Is(err, context.Canceled) {
		t.Errorf("nobody waits any more: %v", err)
	}
}

func FuzzPreview(f *testing.F) {
	for _, b := range samples(f) {
		f.Add(b)
	}
	m := NewMaker(64<<20, 10*time.Second)
	f.Fuzz(func(t *testing.T, b []byte) {
		taken := allocated(func() {
			small, err := m.Preview(t.Context(), bytes.NewReader(b))
			if err != nil && !errors.Is(err, errors.ErrUnsupported) {
				t.Error(err)
			}
			if err == nil {
				if w, h, err := Dimensions(bytes.NewReader(small)); err != nil || max(w, h) > PreviewSide {
					t.Errorf("%d×%d, %v", w, h, err)
				}
			}
		})
		if taken > 160<<20 {
			t.Errorf("%d bytes were allocated", taken)
		}
	})
}

// BenchmarkPreview has decoding alone as its reference: what of a preview's time is not ours.
func BenchmarkPreview(b *testing.B) {
	m := NewMaker(enough, time.Minute)
	for _, c := range []struct {
		name string
		b    []byte
	}{
		{"JPEG-12MP", asJPEG(b, noise(4000, 3000))},
		{"JPEG-12MP-progressive", greyJPEG(4000, 3000, true)},
		{"PNG-12MP-deep", asPNG(b, noise(4000, 3000))},
	} {
		measured(b, c.name, func() error {
			_, err := m.Preview(b.Context(), bytes.NewReader(c.b))
			return err
		})
		measured(b, c.name+"-reference", func() error {
			_, _, err := image.Decode(bytes.NewReader(c.b))
			return err
		})
	}
}

// measured tells, besides the time, how much the heap grows at most.
func measured(b *testing.B, name string, do func() error) {
	b.Run(name, func(b *testing.B) {
		var peak uint64
		for b.Loop() {
			peak = max(peak, peakOf(func() {
				if err := do(); err != nil {
					b.Fatal(err)
				}
			}))
		}
		b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/op")
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(float64(peak)/(1<<20), "peak-MiB")
	})
}

// peakOf is how much the heap grows at most while do runs.
func peakOf(do func()) uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before := m.HeapAlloc
	var peak uint64
	over := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		var m runtime.MemStats
		for {
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapAlloc)
			select {
			case <-over:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	})
	do()
	close(over)
	watching.Wait()
	return max(peak, before) - before
}
