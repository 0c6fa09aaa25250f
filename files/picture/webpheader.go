package picture

import (
	"encoding/binary"
	"errors"
	"image"
)

// webpAlpha is a bit of the VP8X chunk (RFC 9649 section 2.7.1).
const webpAlpha = 1 << 4

// losslessTrees is about what the trees of a lossless WebP may take, whatever its size.
const losslessTrees = 32 << 20

// maxChunks is how many chunks of a WebP are looked at.
const maxChunks = 100

// readWebP reads chunks up to the first pixels. EXIF lies behind them, and browsers do not turn a WebP by it.
func (h *header) readWebP(s *scanner) error {
	if err := s.skip(12); err != nil {
		return err
	}
	for range maxChunks {
		b, err := s.take(8)
		if err != nil {
			break // its end
		}
		kind, n := string(b[:4]), int64(binary.LittleEndian.Uint32(b[4:]))
		next := s.at + n + n&1
		pixels, err := h.readWebPChunk(s, kind, n)
		if pixels && err == nil {
			return nil
		}
		if err == nil {
			err = s.skip(next - s.at)
		}
		if err != nil && h.width == 0 {
			return err
		}
		if err != nil {
			break
		}
	}
	if h.width == 0 {
		return errors.New("it has no dimensions")
	}
	return nil // decoding will fail
}

// readWebPChunk reads what is needed of a chunk of n bytes, and reports whether it has the first pixels.
func (h *header) readWebPChunk(s *scanner, kind string, n int64) (pixels bool, err error) {
	switch kind {
	case "VP8X":
		b, err := s.full(10)
		if err != nil || n != 10 || h.width != 0 {
			return false, errors.New("its VP8X chunk is amiss")
		}
		h.width, h.height = 1+uint24(b[4:]), 1+uint24(b[7:])
	case "ICCP":
		if n > maxProfile {
			return false, nil
		}
		profile, err := s.full(int(n))
		if err != nil {
			return false, err
		}
		h.setProfile(profile)
	case "ALPH": // decoded as a lossless picture, of which one byte a pixel is kept
		h.memory += 5*h.pixels() + losslessTrees
	case "VP8 ":
		b, err := s.full(10)
		if err != nil || n < 10 || string(b[3:6]) != "\x9d\x01\x2a" {
			return false, errors.New("its VP8 chunk is amiss")
		}
		h.size(int(b[6])|int(b[7]&0x3f)<<8, int(b[8])|int(b[9]&0x3f)<<8)
		h.memory += 2*h.pixels() + n // the chunk is read whole
		return true, nil
	case "VP8L":
		b, err := s.full(5)
		if err != nil || b[0] != 0x2f {
			return false, errors.New("its VP8L chunk is amiss")
		}
		bits := binary.LittleEndian.Uint32(b[1:])
		h.size(int(bits&0x3fff)+1, int(bits>>14&0x3fff)+1)
		h.memory += 9*h.pixels() + losslessTrees
		return true, nil
	case "ANMF":
		return true, h.readAnimation(s, n)
	}
	return false, nil
}

func (h *header) pixels() int64 { return int64(h.width) * int64(h.height) }

// size takes the dimensions of the pixels where no canvas was named.
func (h *header) size(width, height int) {
	if h.width == 0 {
		h.width, h.height = width, height
	}
}

// readAnimation reads the head of the first frame (RFC 9649 section 2.7.1.1), which is drawn on a canvas.
func (h *header) readAnimation(s *scanner, n int64) error {
	b, err := s.full(16)
	if err != nil || n < 16 {
		return errors.New("its first frame is amiss")
	}
	at := image.Pt(2*uint24(b), 2*uint24(b[3:]))
	size := image.Pt(1+uint24(b[6:]), 1+uint24(b[9:]))
	if h.width == 0 {
		return errors.New("its frame has no canvas")
	}
	h.frame = frame{at: image.Rectangle{at, at.Add(size)}, offset: s.at, length: n - 16}
	if b, err = s.buf.Peek(4); err != nil {
		return err
	}
	h.frame.alpha = string(b) == "ALPH"
	h.memory = 4*h.pixels() + 9*int64(size.X)*int64(size.Y) + losslessTrees + n
	return nil
}

func uint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }
