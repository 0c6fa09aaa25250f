package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// garbagePiece is how many files, or hashes, one transaction looks at.
const garbagePiece = 100

// CollectFiles deletes files to which nothing has referred since before a time, at most garbagePiece of them, and tells how many
// it looked at: 0 when none is left. The bytes that no other file has are garbage then.
func (s *Store) CollectFiles(ctx context.Context, before time.Time) (looked, deleted int, err error) {
	counts, err := written(ctx, s.writer, func(b *batch) (n [2]int, err error) {
		if err := b.flush(); err != nil { // a message that waits may name one
			return n, err
		}
		loose, err := collect(b.ctx, b.w.stmts[wLoose], func(row scanner) (File, error) { return scanFile(row) }, before.UnixMilli(), garbagePiece)
		if err != nil {
			return n, fmt.Errorf("look for loose files: %w", err)
		}
		n[0] = len(loose)
		for i := range loose {
			gone, err := b.collectFile(&loose[i])
			if err != nil {
				return n, err
			}
			if gone {
				n[1]++
			}
		}
		return n, nil
	})
	if err != nil {
		return 0, 0, err
	}
	return counts[0], counts[1], nil
}

// collectFile deletes a file unless something refers to it after all.
func (b *batch) collectFile(f *File) (gone bool, err error) {
	var one int
	err = b.queryRow(wReferred, f.Name).Scan(&one)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return true, b.dropFile(f)
	case err != nil:
		return false, fmt.Errorf("look what refers to a file: %w", err)
	}
	if _, err := b.exec(wFasten, f.Name); err != nil {
		return false, fmt.Errorf("note that a file is referred to: %w", err)
	}
	return false, nil
}

// dropFile deletes a file. What no other file has of its bytes is garbage from now on. Nothing that is staged may name it.
func (b *batch) dropFile(f *File) error {
	for _, q := range []writeQuery{wDropGrants, wDropFile} {
		if _, err := b.exec(q, f.Name); err != nil {
			return fmt.Errorf("delete file: %w", err)
		}
	}
	for _, hash := range []string{f.Hash, f.Preview} {
		if err := b.discard(hash); err != nil {
			return err
		}
	}
	return nil
}

// discard puts bytes with the garbage unless a file has them.
func (b *batch) discard(hash string) error {
	if hash == "" {
		return nil
	}
	var one int
	err := b.queryRow(wHashOfFile, hash, hash).Scan(&one)
	if err == nil {
		return nil
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("look which file has these bytes: %w", err)
	}
	if _, err := b.exec(wNewGarbage, hash, b.now); err != nil {
		return fmt.Errorf("note garbage: %w", err)
	}
	return nil
}

// claim takes bytes that a file is to have out of the garbage; "" is none. ErrBeingRemoved: their removal has begun, and nothing
// was written.
func (b *batch) claim(hashes ...string) error {
	var queued []string
	for _, hash := range hashes {
		if hash == "" {
			continue
		}
		var removing bool
		err := b.queryRow(wGarbage, hash).Scan(&removing)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			continue
		case err != nil:
			return fmt.Errorf("look through the garbage: %w", err)
		case removing:
			return fmt.Errorf("bytes of a file: %w", ErrBeingRemoved)
		}
		queued = append(queued, hash)
	}
	for _, hash := range queued {
		if _, err := b.exec(wDropGarbage, hash); err != nil {
			return fmt.Errorf("take out of the garbage: %w", err)
		}
	}
	return nil
}

// TakeGarbage returns hashes of bytes that have been garbage since before a time, at most garbagePiece of them, to be removed
// from where bytes are kept: until GarbageRemoved is called with them no file can have them. Those that were taken before and not
// removed are among them.
func (s *Store) TakeGarbage(ctx context.Context, before time.Time) ([]string, error) {
	return written(ctx, s.writer, func(b *batch) ([]string, error) {
		hashes, err := collect(b.ctx, b.w.stmts[wOldGarbage], func(row scanner) (hash string, err error) {
			return hash, row.Scan(&hash)
		}, before.UnixMilli(), garbagePiece)
		if err != nil {
			return nil, fmt.Errorf("look through the garbage: %w", err)
		}
		for _, hash := range hashes {
			if _, err := b.exec(wRemoving, hash); err != nil {
				return nil, fmt.Errorf("mark garbage: %w", err)
			}
		}
		return hashes, nil
	})
}

// GarbageRemoved notes that bytes are no longer kept: whoever stores them again may have them.
func (s *Store) GarbageRemoved(ctx context.Context, hashes []string) error {
	return s.write(ctx, func(b *batch) error {
		for _, hash := range hashes {
			if _, err := b.exec(wDropGarbage, hash); err != nil {
				return fmt.Errorf("forget garbage: %w", err)
			}
		}
		return nil
	})
}

// DiscardUnknown puts those of the hashes with the garbage of which neither a file nor the garbage knows, and tells how many. The caller has
// found their bytes, and knows that nobody is about to make a file of them.
func (s *Store) DiscardUnknown(ctx context.Context, hashes []string) (n int, err error) {
	var unknown []string
	for _, hash := range hashes {
		var one int
		err := s.row(ctx, qHashKnown, hash, hash, hash).Scan(&one)
		if errors.Is(err, sql.ErrNoRows) {
			unknown = append(unknown, hash)
		} else if err != nil {
			return 0, readFailed("look which file has these bytes", err)
		}
	}
	if len(unknown) == 0 {
		return 0, nil
	}
	err = s.write(ctx, func(b *batch) error {
		for _, hash := range unknown {
			if err := b.discard(hash); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return len(unknown), nil
}
