package files

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"syscall"
	"time"
)

// Place is where files are kept, for who examines it.
type Place interface {
	Open(ctx context.Context, hash string) (io.ReadSeekCloser, error)
	List(ctx context.Context, each func(Stored) error) error
}

// Compared is how what a place keeps differs from what it ought to.
type Compared struct {
	Files    int64   // contents that it ought to keep
	Bytes    int64   // of those that it keeps
	Missing  []Wrong // that it does not keep, in the order of their hashes
	Changed  []Wrong // that are not what they were
	Unwanted []Stored
}

// Wrong is a content that is missing or changed.
type Wrong struct {
	Hash   string
	Size   int64 // that it ought to have; -1: not known
	Reason string
}

// Compare looks for everything that is wanted, sizes by hash (-1: not known), and with deep reads all of it. What is not wanted
// and was stored before a time is Unwanted. progress is told how much of how much is read. An error is one of the
// looking, not of what was found.
func Compare(ctx context.Context, at Place, wanted map[string]int64, before time.Time, deep bool, progress func(done, of int64)) (c Compared, err error) {
	var whole []Stored
	found := map[string]bool{}
	err = at.List(ctx, func(s Stored) error {
		size, ok := wanted[s.Hash]
		found[s.Hash] = ok
		switch {
		case !ok && s.Time.Before(before):
			c.Unwanted = append(c.Unwanted, s)
		case !ok:
		case size >= 0 && size != s.Size:
			c.Changed = append(c.Changed, Wrong{s.Hash, size, fmt.Sprintf("it has %d bytes", s.Size)})
		default:
			c.Bytes += s.Size
			whole = append(whole, s)
		}
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // a folder that is not there keeps nothing
		return c, err
	}
	c.Files = int64(len(wanted))
	for _, hash := range slices.Sorted(maps.Keys(wanted)) {
		if !found[hash] {
			c.Missing = append(c.Missing, Wrong{hash, wanted[hash], "it is missing"})
		}
	}
	if !deep {
		whole = nil
	}
	for i, s := range whole {
		if progress != nil {
			progress(int64(i), int64(len(whole)))
		}
		if err := c.read(ctx, at, s); err != nil {
			return c, err
		}
	}
	return c, ctx.Err()
}

// read hashes the bytes of a content.
func (c *Compared) read(ctx context.Context, at Place, s Stored) error {
	r, err := at.Open(ctx, s.Hash)
	if errors.Is(err, ErrNotFound) {
		c.Missing = append(c.Missing, Wrong{s.Hash, s.Size, "it is missing"})
		return nil
	}
	if err != nil {
		return err
	}
	defer r.Close()
	sum := sha256.New()
	_, err = io.CopyBuffer(sum, struct{ io.Reader }{r}, make([]byte, copyBuffer))
	switch {
	case errors.Is(err, syscall.EIO): // the disk cannot read them
		c.Changed = append(c.Changed, Wrong{s.Hash, s.Size, err.Error()})
	case err != nil:
		return err
	case hex.EncodeToString(sum.Sum(nil)) != s.Hash:
		c.Changed = append(c.Changed, Wrong{s.Hash, s.Size, "its bytes are others"})
	}
	return ctx.Err()
}

// Right reports whether everything that is wanted is there.
func (c *Compared) Right() bool { return len(c.Missing)+len(c.Changed) == 0 }

// Again leaves out what is not so any more by now, when this is wanted.
func (c *Compared) Again(wanted map[string]int64) {
	gone := func(w Wrong) bool { _, ok := wanted[w.Hash]; return !ok }
	c.Missing, c.Changed = slices.DeleteFunc(c.Missing, gone), slices.DeleteFunc(c.Changed, gone)
	c.Unwanted = slices.DeleteFunc(c.Unwanted, func(s Stored) bool { _, ok := wanted[s.Hash]; return ok })
}
