package picture

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"time"

	"golang.org/x/image/draw"
	"golang.org/x/image/webp"
	"golang.org/x/sync/semaphore"
)

const (
	// PreviewSide is how wide and high a preview is at most, in pixels.
	PreviewSide = 512

	previewQuality = 82
)

// Maker makes previews, two at a time and within bounds of memory and time. It is safe for concurrent use.
type Maker struct {
	memory int64
	time   time.Duration
	room   *semaphore.Weighted // bytes
}

// NewMaker makes a maker whose pictures take at most memory bytes, all of those together that are decoded at the same moment, and limit
// each; what would take more is not decoded.
func NewMaker(memory int64, limit time.Duration) *Maker {
	return &Maker{memory: memory, time: limit, room: semaphore.NewWeighted(memory)}
}

// Preview returns a small copy of the picture in r, read from its first byte on, of at most PreviewSide pixels a side and turned
// as it is shown: a JPEG, or a PNG where one can see through the picture. Of moving ones it is the first frame. It waits for its turn until ctx ends.
// ErrNotPicture, ErrBroken, ErrTooLarge: there is none; any other error is r's or ctx's.
func (m *Maker) Preview(ctx context.Context, r io.ReadSeeker) ([]byte, error) {
	h, err := readHeader(r)
	if err != nil {
		return nil, fmt.Errorf("making a preview: %w", err)
	}
	need := h.memory + scalingMemory(h.width, h.height)
	if need > m.memory {
		return nil, fmt.Errorf("making a preview: %w: %d×%d pixels", ErrTooLarge, h.width, h.height)
	}
	need = max(need, m.memory/2) // two at a time
	if err := m.room.Acquire(ctx, need); err != nil {
		return nil, fmt.Errorf("waiting to make a preview: %w", err)
	}
	defer m.room.Release(need)
	limited, cancel := context.WithTimeoutCause(ctx, m.time, ErrTooLarge)
	defer cancel()
	small, err := h.decodeSmall(limited, r)
	if err != nil {
		return nil, fmt.Errorf("making a preview: %w", err)
	}
	return h.encode(small)
}

// encode writes a preview.
func (h header) encode(m *image.RGBA) ([]byte, error) {
	var b bytes.Buffer
	if !m.Opaque() {
		if err := png.Encode(&b, m); err != nil {
			return nil, fmt.Errorf("writing a preview: %w", err)
		}
		return b.Bytes(), nil
	}
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: previewQuality}); err != nil {
		return nil, fmt.Errorf("writing a preview: %w", err)
	}
	return withProfile(b.Bytes(), h.profile), nil
}

// decodeSmall decodes, scales and turns the picture.
func (h header) decodeSmall(ctx context.Context, r io.ReadSeeker) (*image.RGBA, error) {
	if _, err := r.Seek(h.frame.offset, io.SeekStart); err != nil {
		return nil, err
	}
	source := &guarded{ctx: ctx, r: r, behind: h.end}
	m, err := h.decode(source)
	switch {
	case source.err != nil:
		return nil, source.err
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	canvas := image.Rect(0, 0, h.width, h.height)
	if m.Bounds() != canvas { // a frame of a moving picture
		whole := image.NewRGBA(canvas)
		draw.Draw(whole, m.Bounds().Add(h.frame.at.Min), m, m.Bounds().Min, draw.Src)
		m = whole
	}
	small, err := shrink(ctx, m)
	if err != nil {
		return nil, err
	}
	return turn(small, h.orientation), nil
}

// decode decodes the picture. What a decoder does with rubbish is no reason for a server to end.
func (h header) decode(source io.Reader) (m image.Image, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the decoder failed: %v", p)
		}
	}()
	r := bufio.NewReaderSize(source, maxRead)
	switch h.format {
	case formatJPEG:
		return jpeg.Decode(r)
	case formatPNG:
		return png.Decode(r)
	case formatGIF:
		return gif.Decode(r)
	}
	if !h.frame.at.Empty() {
		return webp.Decode(h.frame.still(r))
	}
	return webp.Decode(r)
}

// still makes a file of its own of a frame's chunks, which r begins with.
func (f frame) still(r io.Reader) io.Reader {
	chunks := f.length
	flags := byte(0)
	if f.alpha {
		flags = webpAlpha
	}
	b := append([]byte("RIFF....WEBPVP8X\x0a\x00\x00\x00"), flags, 0, 0, 0) // its size is held against the pixels'
	for _, n := range []int{f.at.Dx() - 1, f.at.Dy() - 1} {
		b = append(b, byte(n), byte(n>>8), byte(n>>16))
	}
	binary.LittleEndian.PutUint32(b[4:], uint32(int64(len(b))-8+chunks))
	return io.MultiReader(bytes.NewReader(b), io.LimitReader(r, chunks))
}

// maxRead is how many bytes a decoder gets at once, so that it comes back often to be told that its time is over: a few bytes of a
// progressive JPEG can ask for a walk over the whole picture.
const maxRead = 512

// guarded is what a decoder reads.
type guarded struct {
	ctx    context.Context
	r      io.Reader
	behind int64 // of a JPEG: from here on there are no segments that change what is allocated
	at     int64
	last   byte  // read
	foul   bool  // there was such a segment
	err    error // of r, but for its end
}

// Read implements io.Reader.
func (g *guarded) Read(p []byte) (int, error) {
	if g.ctx.Err() != nil {
		return 0, context.Cause(g.ctx)
	}
	if g.foul {
		return 0, errors.New("segments of the header behind it")
	}
	n, err := g.r.Read(p[:min(len(p), maxRead)])
	if err != nil && err != io.EOF {
		g.err = err
	}
	g.look(p[:n])
	return n, err
}

// look finds the segments that image/jpeg takes for a header's even between scans: APP0 and APP14 decide whether it makes a second picture of
// the first.
func (g *guarded) look(b []byte) {
	for _, c := range b {
		if g.behind > 0 && g.at >= g.behind && g.last == 0xff && (c == markerAPP0 || c == markerAPP14) {
			g.foul = true
		}
		g.last = c
		g.at++
	}
}
