package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// Finish makes a blob of an upload that has all its bytes and returns their hash, which the folder then keeps as Put
// does. Called again it returns the same, until Drop. ErrUnfinished: bytes are missing; ErrNotFound: there is no such
// upload, or the blob is not there any more; ErrBusy: another call works on it.
func (f *Folder) Finish(ctx context.Context, id string) (hash string, err error) {
	return f.finish(ctx, id, func(p *partial) error {
		bytes, now := segmentPath(f.dir, id, 1), time.Now()
		err := os.Chtimes(bytes, now, now) // who looks for blobs that nothing names passes over young ones
		if errors.Is(err, fs.ErrNotExist) {
			return f.has(p.state.Hash)
		}
		if err != nil {
			return err
		}
		return f.keep(bytes, p.state.Hash)
	})
}

// has makes a blob last that has its place already. ErrNotFound: there is none.
func (f *Folder) has(hash string) error {
	if _, err := os.Stat(f.path(hash)); err != nil {
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return f.syncName(hash)
}
