package files

import (
	"context"
	"fmt"
	"os"
	"time"
)

// Finish makes a blob of an upload that has all its bytes and returns their hash, which the folder then keeps as Put
// does. Called again it returns the same, until Drop. ErrUnfinished: bytes are missing; ErrNotFound: there is no such
// upload, or the blob is not there any more; ErrBusy: another call works on it.
func (f *Folder) Finish(ctx context.Context, id string) (hash string, err error) {
	return f.finish(ctx, id, f.adopt, func(hash string) error {
		if _, err := os.Stat(f.path(hash)); err != nil {
			return fmt.Errorf("%w: %w", ErrNotFound, err)
		}
		return f.syncName(hash)
	})
}

// adopt makes a blob of a file with the bytes of hash.
func (f *Folder) adopt(bytes *os.File, hash string) error {
	now := time.Now() // who looks for blobs that nothing names passes over young ones
	if err := os.Chtimes(bytes.Name(), now, now); err != nil {
		return err
	}
	return f.keep(bytes.Name(), hash)
}
