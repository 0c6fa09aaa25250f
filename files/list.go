package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Stored tells of bytes that are kept.
type Stored struct {
	Hash string
	Size int64     // bytes
	Time time.Time // when they were last stored
}

// Stray tells of bytes that are kept for nothing.
type Stray struct {
	Name string    // what RemoveStray takes
	Size int64     // bytes
	Time time.Time // when they were last written
}

// LookFolder is a folder to read from: nothing is made, checked or swept.
func LookFolder(root string) *Folder {
	f := &Folder{root: root}
	f.dir = f.incoming()
	return f
}

// List calls each for everything that is kept, in no order. What is stored or removed meanwhile may be missing. An
// error of each ends it and is returned.
func (f *Folder) List(ctx context.Context, each func(Stored) error) error {
	folders, err := os.ReadDir(f.root)
	if err != nil {
		return fmt.Errorf("listing files: %w", err)
	}
	for _, dir := range folders {
		if len(dir.Name()) != 2 || !dir.IsDir() {
			continue
		}
		entries, err := os.ReadDir(filepath.Join(f.root, dir.Name()))
		if err != nil {
			return fmt.Errorf("listing files: %w", err)
		}
		for _, e := range entries {
			if err := ctx.Err(); err != nil {
				return err
			}
			info, err := e.Info()
			if errors.Is(err, fs.ErrNotExist) || !validHash(e.Name()) {
				continue
			}
			if err != nil {
				return fmt.Errorf("listing files: %w", err)
			}
			if err := each(Stored{e.Name(), info.Size(), info.ModTime()}); err != nil {
				return err
			}
		}
	}
	return nil
}

// Remove removes the bytes stored under hash, if there are any.
func (f *Folder) Remove(_ context.Context, hash string) error {
	if !validHash(hash) {
		return fmt.Errorf("removing a file: %w", ErrNotFound)
	}
	if err := os.Remove(f.path(hash)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing a file: %w", err)
	}
	return nil
}

// Strays calls each for what is left of files that were being stored, and that nobody goes on with: temporary files a day
// old or older, uploads in pieces to which nobody has written for 30 days.
func (f *Folder) Strays(_ context.Context, each func(Stray) error) error {
	entries, err := os.ReadDir(f.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the folder for files: %w", err)
	}
	for _, e := range entries {
		limit := abandoned
		if strings.HasPrefix(e.Name(), uploadPrefix) {
			limit = abandonedUpload
		}
		info, err := e.Info()
		if err != nil || time.Since(info.ModTime()) <= limit {
			continue
		}
		if err := each(Stray{e.Name(), info.Size(), info.ModTime()}); err != nil {
			return err
		}
	}
	return nil
}

// RemoveStray removes what Strays named.
func (f *Folder) RemoveStray(_ context.Context, name string) error {
	if err := os.Remove(filepath.Join(f.dir, filepath.Base(name))); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing a file: %w", err)
	}
	return nil
}
