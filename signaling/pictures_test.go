package signaling

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
)

// fakePictures knows pictures that fakePicture makes.
type fakePictures struct {
	made    atomic.Int32              // previews
	begun   func(ctx context.Context) // called when one is made; nil: nothing
	failing error                     // what reading fails with
}

const (
	pictureHead = "\x89PNG\r\n\x1a\n" // so that it is sniffed as one
	place       = "52N 13E"
	noPlace     = "       "
)

// fakePicture is shown as large as that; what else it says follows. Nothing can be made of a broken one.
func fakePicture(width, height int, more string) string {
	return fmt.Sprintf("%s %d %d %s", pictureHead, width, height, more)
}

func (f *fakePictures) Dimensions(r io.ReadSeeker) (width, height int, err error) {
	b, err := io.ReadAll(r)
	if err = errors.Join(err, f.failing); err != nil {
		return 0, 0, err
	}
	if _, err := fmt.Sscanf(string(bytes.TrimPrefix(b, []byte(pictureHead))), " %d %d", &width, &height); err != nil {
		return 0, 0, fmt.Errorf("no picture: %w", errors.ErrUnsupported)
	}
	return width, height, nil
}

func (f *fakePictures) Preview(ctx context.Context, r io.ReadSeeker) ([]byte, error) {
	f.made.Add(1)
	if f.begun != nil {
		f.begun(ctx)
	}
	if _, _, err := f.Dimensions(r); err != nil {
		return nil, err
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	b, err := io.ReadAll(r)
	if bytes.Contains(b, []byte("broken")) {
		err = fmt.Errorf("broken: %w", errors.ErrUnsupported)
	}
	return append([]byte("\xff\xd8\xff small: "), b...), errors.Join(err, ctx.Err())
}

// WithoutLocation needs all of a picture in one read, and takes the place out of nothing else.
func (f *fakePictures) WithoutLocation(r io.Reader) io.Reader { return &fakeFilter{r: r} }

type fakeFilter struct {
	r    io.Reader
	done *bytes.Reader
}

func (f *fakeFilter) Read(p []byte) (int, error) {
	if f.done == nil {
		b, err := io.ReadAll(f.r)
		if err != nil {
			return 0, err
		}
		if bytes.HasPrefix(b, []byte(pictureHead)) {
			b = bytes.ReplaceAll(b, []byte(place), []byte(noPlace))
		}
		f.done = bytes.NewReader(b)
	}
	return f.done.Read(p)
}

func (f *fakePictures) HasLocation(r io.Reader) (bool, error) {
	b, err := io.ReadAll(r)
	return bytes.HasPrefix(b, []byte(pictureHead)) && bytes.Contains(b, []byte(place)), err
}
