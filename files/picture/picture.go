// Package picture reads what pictures people send: how large they are shown, a small copy to show before the picture itself,
// and where they were taken, to take that out. It knows JPEG, PNG, GIF and WebP, believes nothing that a picture says of
// itself, and knows no names and no rights.
package picture

import (
	"errors"
	"fmt"
	"io"
)

// Errors that callers tell apart; they come wrapped. Those who do not know this package know each as errors.ErrUnsupported:
// the same bytes will meet it again.
var (
	ErrNotPicture = fmt.Errorf("no picture of a kind known here: %w", errors.ErrUnsupported)
	ErrBroken     = fmt.Errorf("a picture that cannot be decoded: %w", errors.ErrUnsupported)
	ErrTooLarge   = fmt.Errorf("a picture that takes too much to decode: %w", errors.ErrUnsupported)
)

// format is a kind of picture.
type format uint8

const (
	unknown format = iota
	formatJPEG
	formatPNG
	formatGIF
	formatWebP
)

// sniffed is how many of a picture's first bytes say its kind.
const sniffed = 16

const pngSignature = "\x89PNG\r\n\x1a\n"

// formatOf tells a picture's kind by its first bytes.
func formatOf(head []byte) format {
	begins := func(s string) bool { return len(head) >= len(s) && string(head[:len(s)]) == s }
	switch {
	case begins("\xff\xd8\xff"):
		return formatJPEG
	case begins(pngSignature):
		return formatPNG
	case begins("GIF87a"), begins("GIF89a"):
		return formatGIF
	case begins("RIFF") && len(head) >= 12 && string(head[8:12]) == "WEBP":
		return formatWebP
	}
	return unknown
}

// Dimensions returns how large the picture in r, read from its first byte on, is shown: in pixels, turned as its EXIF
// orientation says. Of r it reads the header, at most a few MiB of it. ErrNotPicture: none of it is known; any other
// error is r's.
func Dimensions(r io.ReadSeeker) (width, height int, err error) {
	h, err := readHeader(r)
	if err != nil {
		return 0, 0, fmt.Errorf("reading the header of a picture: %w", err)
	}
	width, height = h.shown()
	return width, height, nil
}
