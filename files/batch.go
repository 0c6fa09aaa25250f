package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Batch stores many files in a folder for one sync of its folders at the end, instead of two for each file.
type Batch struct{ *Folder }

// Batch begins one.
func (f *Folder) Batch() Batch { return Batch{f} }

// Put stores what r yields as Folder.Put does, but its name may be lost with the power until Sync has returned. A name
// that is there always has all of its bytes.
func (b Batch) Put(ctx context.Context, r io.Reader) (hash string, size int64, err error) {
	t, hash, size, err := b.receive(ctx, r)
	if err != nil {
		return "", 0, err
	}
	return hash, size, b.name(t, hash)
}

// Sync makes all names of the folder last, those too that a batch put which ended before its Sync.
func (b Batch) Sync() error {
	entries, err := os.ReadDir(b.root)
	if err != nil {
		return fmt.Errorf("syncing a folder: %w", err)
	}
	errs := []error{syncDir(b.root)}
	for _, e := range entries {
		if e.IsDir() {
			errs = append(errs, syncDir(filepath.Join(b.root, e.Name())))
		}
	}
	return errors.Join(errs...)
}
