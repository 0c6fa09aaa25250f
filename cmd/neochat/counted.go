package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"sync/atomic"

	"neochat/files"
)

// countedBlobs counts what is asked of a store of files, and remembers whether it failed at the last of it.
type countedBlobs struct {
	blobs
	uploads, downloads, bytes, putFailures, openFailures atomic.Uint64
	away                                                 atomic.Bool
}

// Put implements signaling.Blobs.
func (c *countedBlobs) Put(ctx context.Context, r io.Reader) (hash string, size int64, err error) {
	from := &remembering{r: r}
	hash, size, err = c.blobs.Put(ctx, from)
	switch {
	case err == nil:
		c.away.Store(false)
		c.uploads.Add(1)
		c.bytes.Add(uint64(size))
	case from.err == nil && !leftBy(ctx): // it was not the client who broke off
		c.away.Store(true)
		c.putFailures.Add(1)
	}
	return hash, size, err
}

// Open implements signaling.Blobs.
func (c *countedBlobs) Open(ctx context.Context, hash string) (io.ReadSeekCloser, error) {
	body, err := c.blobs.Open(ctx, hash)
	switch {
	case err == nil:
		c.away.Store(false)
		c.downloads.Add(1)
	case !leftBy(ctx):
		c.away.Store(!errors.Is(err, fs.ErrNotExist))
		c.openFailures.Add(1)
	}
	return body, err
}

// Begin implements signaling.Uploads.
func (c *countedBlobs) Begin(ctx context.Context, id string, size int64) error {
	err := c.blobs.Begin(ctx, id, size)
	c.uploading(ctx, err)
	return err
}

// Append implements signaling.Uploads.
func (c *countedBlobs) Append(ctx context.Context, id string, at int64, r io.Reader, whole bool) (int64, error) {
	from := &remembering{r: r}
	offset, err := c.blobs.Append(ctx, id, at, from, whole)
	if !errors.Is(err, files.ErrOffset) {
		c.bytes.Add(uint64(max(0, offset-at)))
	}
	if from.err == nil {
		c.uploading(ctx, err)
	}
	return offset, err
}

// Finish implements signaling.Uploads.
func (c *countedBlobs) Finish(ctx context.Context, id string) (hash string, err error) {
	hash, err = c.blobs.Finish(ctx, id)
	if err == nil {
		c.uploads.Add(1)
	}
	c.uploading(ctx, err)
	return hash, err
}

// uploading notes how the store did at a step of an upload; what its caller did wrong is none of its failures.
func (c *countedBlobs) uploading(ctx context.Context, err error) {
	mistake := slices.ContainsFunc([]error{fs.ErrNotExist, fs.ErrExist, fs.ErrInvalid, files.ErrOffset, files.ErrBusy, files.ErrTooLong, files.ErrUnfinished},
		func(m error) bool { return errors.Is(err, m) })
	switch {
	case err == nil:
		c.away.Store(false)
	case !mistake && !leftBy(ctx):
		c.away.Store(true)
		c.putFailures.Add(1)
	}
}

// Check tells whether files can be written.
func (c *countedBlobs) Check(ctx context.Context) error {
	err := c.blobs.Check(ctx)
	if err == nil || !leftBy(ctx) {
		c.away.Store(err != nil)
	}
	return err
}

// leftBy reports whether who asked has gone; a store that took too long has not answered.
func leftBy(ctx context.Context) bool { return errors.Is(ctx.Err(), context.Canceled) }

// remembering keeps what its reader failed with.
type remembering struct {
	r   io.Reader
	err error
}

// Read implements io.Reader.
func (m *remembering) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	if err != nil && err != io.EOF {
		m.err = err
	}
	return n, err
}

// countFiles counts from now on what is asked of the store of files.
func (h *house) countFiles() {
	h.counted = &countedBlobs{blobs: h.blobs}
	h.blobs = h.counted
	if h.filesPlace == "" {
		h.filesPlace = filepath.Join(h.data, "files")
	}
}
