package picture

import (
	"encoding/binary"
	"errors"
)

// Markers of JPEG (ITU-T T.81 table B.1).
const (
	markerSOF0  = 0xc0
	markerSOF1  = 0xc1
	markerSOF2  = 0xc2 // progressive
	markerRST0  = 0xd0
	markerRST7  = 0xd7
	markerEOI   = 0xd9
	markerSOS   = 0xda
	markerAPP0  = 0xe0
	markerAPP1  = 0xe1
	markerAPP14 = 0xee
)

// maxSegment is how long a segment of a JPEG can be, in bytes.
const maxSegment = 1<<16 - 1

const (
	exifPrefix = "Exif\x00\x00"
	adobe      = "Adobe"
)

// jpegFrame is what the frame header and the segments before the first scan say.
type jpegFrame struct {
	components  []byte // three bytes each: name, sampling, table
	progressive bool
	jfif        bool
	plain       bool // Adobe's segment: the components are no YCbCr
}

// readJPEG reads segments up to the first scan, exactly as image/jpeg does, so that what is allocated there is known here.
func (h *header) readJPEG(s *scanner) error {
	if err := s.skip(2); err != nil {
		return err
	}
	var f jpegFrame
	for s.at < maxHeader {
		marker, err := s.marker()
		if err == nil && marker == markerSOS {
			break
		}
		if err == nil {
			err = h.readSegment(s, &f, marker)
		}
		if err != nil {
			if h.width == 0 {
				return err
			}
			break // the dimensions are known; decoding will fail
		}
	}
	if f.components == nil {
		return errors.New("it has no frame")
	}
	h.end = s.at
	return h.measureJPEG(&f)
}

// marker finds the next marker that has a segment. What is in between is passed over.
func (s *scanner) marker() (byte, error) {
	for s.at < maxHeader {
		b, err := s.take(2)
		if err != nil {
			return 0, err
		}
		first, second := b[0], b[1]
		for first != 0xff && s.at < maxHeader {
			first = second
			if second, err = s.byte(); err != nil {
				return 0, err
			}
		}
		if second == 0 {
			continue
		}
		for second == 0xff && s.at < maxHeader {
			if second, err = s.byte(); err != nil {
				return 0, err
			}
		}
		if second < markerRST0 || second > markerRST7 {
			return second, nil
		}
	}
	return 0, errors.New("its header is too long")
}

func (h *header) readSegment(s *scanner, f *jpegFrame, marker byte) error {
	if marker == markerEOI || marker < markerSOF0 {
		return errors.New("it ends before its frame")
	}
	b, err := s.take(2)
	if err != nil {
		return err
	}
	n := int(binary.BigEndian.Uint16(b)) - 2
	switch {
	case n < 0:
		return errors.New("a segment shorter than its own length")
	case marker == markerSOF0 || marker == markerSOF1 || marker == markerSOF2:
		return h.readFrame(s, f, marker, n)
	case marker == markerAPP1 && h.orientation == 0:
		exif, err := s.full(n)
		if err == nil && len(exif) > len(exifPrefix) && string(exif[:len(exifPrefix)]) == exifPrefix {
			h.orientation = orientation(exif[len(exifPrefix):])
		}
		return err
	case marker == markerAPP2 && h.profile == nil && n <= maxProfile+len(profilePrefix)+2:
		app, err := s.full(n)
		if err == nil {
			h.jpegProfile(app)
		}
		return err
	case marker == markerAPP0 || marker == markerAPP14:
		app, err := s.full(n)
		if marker == markerAPP0 {
			f.jfif = len(app) >= 5 && string(app[:5]) == "JFIF\x00"
		} else if len(app) >= 12 && string(app[:len(adobe)]) == adobe {
			f.plain = app[11] == 0
		}
		return err
	}
	return s.skip(int64(n))
}

// readFrame reads a frame header (ITU-T T.81 section B.2.2).
func (h *header) readFrame(s *scanner, f *jpegFrame, marker byte, n int) error {
	if f.components != nil || n != 6+3 && n != 6+9 && n != 6+12 {
		return errors.New("its frame is of an unknown kind")
	}
	b, err := s.full(n)
	if err != nil {
		return err
	}
	f.progressive = marker == markerSOF2
	f.components = b[6:]
	h.height, h.width = int(binary.BigEndian.Uint16(b[1:])), int(binary.BigEndian.Uint16(b[3:]))
	return nil
}

// measureJPEG counts what image/jpeg allocates: whole blocks of one byte a sample, four bytes more for each where the picture is
// progressive, and four bytes a pixel where the components are no YCbCr.
func (h *header) measureJPEG(f *jpegFrame) error {
	type sampling struct{ x, y int }
	var all []sampling
	for c := f.components; len(c) > 0; c = c[3:] {
		x, y := int(c[1]>>4), int(c[1]&15)
		if x < 1 || x > 4 || y < 1 || y > 4 {
			return errors.New("its components have no sampling")
		}
		all = append(all, sampling{x, y})
	}
	if len(all) == 1 {
		all[0] = sampling{1, 1}
	}
	unit := all[0]
	units := int64((h.width+8*unit.x-1)/(8*unit.x)) * int64((h.height+8*unit.y-1)/(8*unit.y))
	for _, c := range all {
		h.memory += 64 * units * int64(c.x*c.y)
	}
	if f.progressive {
		h.memory *= 5
	}
	c := f.components
	named := len(all) == 3 && c[0] == 'R' && c[3] == 'G' && c[6] == 'B'
	if len(all) == 4 || len(all) == 3 && !f.jfif && (f.plain || named) {
		h.memory += 4 * int64(h.width) * int64(h.height)
	}
	return nil
}
