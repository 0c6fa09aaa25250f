package picture

import (
	"bufio"
	"errors"
	"fmt"
	"image"
	"io"
)

// maxHeader is how many bytes of a picture are read to find its dimensions.
const maxHeader = 4 << 20

// header is what a picture says of itself before its pixels.
type header struct {
	format        format
	width, height int    // pixels as stored
	orientation   int    // of EXIF, 1 to 8; 0 where none is said
	memory        int64  // bytes that decoding takes, counted as the decoder allocates them
	frame         frame  // of an animated WebP, the first one
	end           int64  // of a JPEG, where its first scan begins
	profile       []byte // ICC's; nil: none that can be kept
}

// frame is a part of an animated WebP.
type frame struct {
	at     image.Rectangle // where it lies on the canvas; empty: there is none
	offset int64           // of its first chunk in the file
	length int64           // of its chunks
	alpha  bool
}

// shown is how large the picture is after turning.
func (h header) shown() (width, height int) {
	if h.orientation >= 5 {
		return h.height, h.width
	}
	return h.width, h.height
}

// scanner reads a header, and skips what is not needed of it.
type scanner struct {
	r   io.ReadSeeker
	buf *bufio.Reader
	at  int64 // of buf's next byte in r
	err error // of r, but for its end
}

// Read implements io.Reader for buf.
func (s *scanner) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// take returns the next n bytes, good until the next call; n is at most the buffer's size.
func (s *scanner) take(n int) ([]byte, error) {
	b, err := s.buf.Peek(n)
	if err != nil {
		return nil, err
	}
	s.at += int64(n)
	_, err = s.buf.Discard(n)
	return b, err
}

func (s *scanner) byte() (byte, error) {
	s.at++
	return s.buf.ReadByte()
}

// full reads the next n bytes, if that many are there.
func (s *scanner) full(n int) ([]byte, error) {
	b := make([]byte, n)
	_, err := io.ReadFull(s.buf, b)
	s.at += int64(n)
	return b, err
}

// skip passes over n bytes; far ahead, it does not read them.
func (s *scanner) skip(n int64) error {
	s.at += n
	if n <= maxSegment {
		_, err := s.buf.Discard(int(n))
		return err
	}
	if _, err := s.r.Seek(s.at, io.SeekStart); err != nil {
		s.err = err
		return err
	}
	s.buf.Reset(s)
	return nil
}

// readHeader reads the header of the picture in r. An error is ErrNotPicture or r's own.
func readHeader(r io.ReadSeeker) (header, error) {
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return header{}, err
	}
	s := &scanner{r: r}
	s.buf = bufio.NewReaderSize(s, 4096)
	head, err := s.buf.Peek(sniffed)
	if s.err != nil {
		return header{}, s.err
	}
	if err != nil && err != io.EOF {
		return header{}, err
	}
	h := header{format: formatOf(head)}
	switch h.format {
	case formatJPEG:
		err = h.readJPEG(s)
	case formatPNG:
		err = h.readPNG(s)
	case formatGIF:
		err = h.readGIF(s)
	case formatWebP:
		err = h.readWebP(s)
	default:
		return header{}, ErrNotPicture
	}
	if s.err != nil {
		return header{}, s.err
	}
	if err == nil && (h.width < 1 || h.height < 1) {
		err = errors.New("it has no pixels")
	}
	if err != nil {
		return header{}, fmt.Errorf("%w: %w", ErrNotPicture, err)
	}
	return h, nil
}

// readGIF reads the screen descriptor (GIF89a section 18). A frame of one byte a pixel is drawn on a canvas of four.
func (h *header) readGIF(s *scanner) error {
	b, err := s.take(13)
	if err != nil {
		return err
	}
	h.width, h.height = int(b[6])|int(b[7])<<8, int(b[8])|int(b[9])<<8
	h.memory = 5 * h.pixels()
	return nil
}
