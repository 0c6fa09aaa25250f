package main

import (
	"io"
	"time"

	"neochat/files/picture"
)

const (
	// pictureMemory is what decoding pictures for their previews takes at most, in bytes: a photo of 60 megapixels, or a
	// progressive one of 15.
	pictureMemory = 192 << 20
	// pictureTime is what one of them may take.
	pictureTime = 20 * time.Second
)

// pictures is what signaling asks of pictures.
type pictures struct{ *picture.Maker }

func newPictures() pictures { return pictures{picture.NewMaker(pictureMemory, pictureTime)} }

// Dimensions implements signaling.Pictures.
func (pictures) Dimensions(r io.ReadSeeker) (width, height int, err error) {
	return picture.Dimensions(r)
}

// WithoutLocation implements signaling.Pictures.
func (pictures) WithoutLocation(r io.Reader) io.Reader { return picture.WithoutLocation(r) }

// HasLocation implements signaling.Pictures.
func (pictures) HasLocation(r io.Reader) (bool, error) { return picture.HasLocation(r) }
