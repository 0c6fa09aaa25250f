package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"syscall"

	"golang.org/x/sync/errgroup"
)

const (
	copyAtOnce = 4       // contents, to fill the waits of a store that is far
	copyPieces = 8 << 20 // bytes; larger ones are copied so that what is there outlives a copy that is cut off
)

// Target is where contents are copied to.
type Target interface {
	Place
	Put(ctx context.Context, r io.Reader) (hash string, size int64, err error)
	Begin(ctx context.Context, id string, size int64) error
	Offset(ctx context.Context, id string) (int64, error)
	Append(ctx context.Context, id string, at int64, r io.Reader, whole bool) (int64, error)
	Finish(ctx context.Context, id string) (hash string, err error)
	Drop(ctx context.Context, id string) error
}

// Copied is what Copy has done.
type Copied struct {
	There, ThereBytes   int64 // were there before
	Copied, CopiedBytes int64
	Damaged             []Wrong // are not what their name says, and were not copied
}

// Copy brings everything that from keeps to another place, and checks the hash of all that it copies. What is there already, in
// its size, it does not copy again: cut off, it goes on where it was when it is called again. progress is told how much of how
// much is done, one call at a time.
func Copy(ctx context.Context, from Place, to Target, progress func(done, of int64)) (c Copied, err error) {
	there := map[string]int64{}
	if err := to.List(ctx, func(s Stored) error { there[s.Hash] = s.Size; return nil }); err != nil {
		return c, fmt.Errorf("the target: %w", err)
	}
	var missing []Stored
	err = from.List(ctx, func(s Stored) error {
		if size, ok := there[s.Hash]; ok && size == s.Size {
			c.There++
			c.ThereBytes += s.Size
		} else {
			missing = append(missing, s)
		}
		return nil
	})
	if err != nil {
		return c, fmt.Errorf("the source: %w", err)
	}
	return c, c.copyAll(ctx, from, to, missing, progress)
}

func (c *Copied) copyAll(ctx context.Context, from Place, to Target, missing []Stored, progress func(done, of int64)) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(copyAtOnce)
	done := make([]error, len(missing))
	var count, bytes atomic.Int64
	for i, s := range missing {
		if progress(int64(i), int64(len(missing))); ctx.Err() != nil {
			break
		}
		group.Go(func() error {
			done[i] = copyContent(ctx, from, to, s)
			if errors.Is(done[i], ErrDamaged) || errors.Is(done[i], ErrNotFound) {
				return nil
			}
			if done[i] == nil {
				count.Add(1)
				bytes.Add(s.Size)
			}
			return done[i]
		})
	}
	err := group.Wait()
	c.Copied, c.CopiedBytes = count.Load(), bytes.Load()
	for i, err := range done {
		if errors.Is(err, ErrDamaged) {
			c.Damaged = append(c.Damaged, Wrong{missing[i].Hash, missing[i].Size, err.Error()})
		}
	}
	return err
}

// copyContent copies one. ErrDamaged: it is not what its name says; ErrNotFound: it is not there any more.
func copyContent(ctx context.Context, from Place, to Target, s Stored) error {
	r, err := from.Open(ctx, s.Hash)
	if err != nil {
		return err
	}
	defer r.Close()
	if s.Size < copyPieces {
		_, _, err = to.Put(ctx, Checked(r, s.Hash, s.Size))
	} else {
		err = copyInPieces(ctx, r, to, s)
	}
	if errors.Is(err, syscall.EIO) { // the disk cannot read it
		err = fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if err != nil {
		return fmt.Errorf("copying %s: %w", s.Hash, err)
	}
	return nil
}

// copyInPieces goes on with the upload that an earlier call has begun. What it stores of damaged bytes nothing names.
func copyInPieces(ctx context.Context, r io.ReadSeeker, to Target, s Stored) error {
	id := s.Hash[:uploadIDSize]
	at, err := to.Offset(ctx, id)
	if errors.Is(err, ErrNotFound) {
		at, err = 0, to.Begin(ctx, id, s.Size)
	}
	if err != nil {
		return err
	}
	if _, err := r.Seek(at, io.SeekStart); err != nil {
		return err
	}
	_, err = to.Append(ctx, id, at, struct{ io.Reader }{r}, false)
	var hash string
	if err == nil {
		hash, err = to.Finish(ctx, id)
	}
	switch {
	case err == nil && hash == s.Hash:
		return to.Drop(ctx, id)
	case err == nil, errors.Is(err, ErrUnfinished), errors.Is(err, ErrTooLong):
		return errors.Join(ErrDamaged, to.Drop(ctx, id))
	}
	return err
}
