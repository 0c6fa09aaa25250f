package picture

import (
	"encoding/binary"
	"errors"
)

// Colour types of PNG (third edition, section 11.2.1), which are made of bits.
const (
	pngPalette = 1
	pngColour  = 2
	pngAlpha   = 4
)

// readPNG reads the chunks before the pixels.
func (h *header) readPNG(s *scanner) error {
	b, err := s.take(8 + 8 + 13 + 4)
	if err != nil {
		return err
	}
	if string(b[12:16]) != "IHDR" || binary.BigEndian.Uint32(b[8:]) != 13 {
		return errors.New("its first chunk is not IHDR")
	}
	width, height := binary.BigEndian.Uint32(b[16:]), binary.BigEndian.Uint32(b[20:])
	if width < 1 || height < 1 || width > 1<<31-1 || height > 1<<31-1 {
		return errors.New("its dimensions are no PNG's")
	}
	h.width, h.height = int(width), int(height)
	depth, colour, interlaced := b[24], b[25], b[28] == 1
	transparent := h.readChunks(s)
	h.memory = pngMemory(int64(width), int64(height), depth, colour, interlaced, transparent)
	return nil
}

// readChunks looks for EXIF, a profile of colours and a transparent colour, until the pixels begin or something is amiss.
func (h *header) readChunks(s *scanner) (transparent bool) {
	for s.at < maxHeader {
		b, err := s.take(8)
		if err != nil {
			break
		}
		n, kind := int64(binary.BigEndian.Uint32(b)), string(b[4:])
		if kind == "IDAT" || s.at+n > maxHeader {
			break
		}
		transparent = transparent || kind == "tRNS"
		if kind == "eXIf" && h.orientation == 0 || kind == "iCCP" && h.profile == nil {
			data, err := s.full(int(n))
			if err != nil {
				break
			}
			if n = 0; kind == "eXIf" {
				h.orientation = orientation(data)
			} else {
				h.pngProfile(data)
			}
		}
		if s.skip(n+4) != nil {
			break
		}
	}
	return transparent
}

// pngMemory counts what image/png allocates.
func pngMemory(width, height int64, depth, colour byte, interlaced, transparent bool) int64 {
	bytes, bits := int64(1), int64(depth) // a pixel in memory, and in a row
	switch {
	case colour&pngPalette != 0: // one byte, whatever else
	case depth == 16:
		bytes, bits = 8, 64
		if colour == 0 && !transparent {
			bytes = 2
		}
	case colour != 0 || transparent:
		bytes, bits = 4, 32
	}
	if width > (1<<62)/height/16 {
		return 1 << 62
	}
	all := bytes*width*height + 2*(width*bits/8+1)
	if interlaced {
		all += all / 2 // the largest of the seven passes
	}
	return all
}
