// Package files keeps the bytes of files, each under the SHA-256 of its content,
// so that equal bytes are kept once. It knows no names and no rights.
package files

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Errors that callers tell apart; they come wrapped. Those who do not know this
// package know them as fs.ErrNotExist and syscall.ENOSPC.
var (
	ErrNotFound = fmt.Errorf("no such file: %w", fs.ErrNotExist)
	ErrFull     = fmt.Errorf("no room is left for files: %w", syscall.ENOSPC)
)

// abandoned is how old a temporary file must be before it is swept away.
const abandoned = 24 * time.Hour

// Folder keeps files in a folder of its own on a local disk. It is safe for
// concurrent use, by several processes too; of uploads in pieces by one.
type Folder struct {
	pieces // in incoming
	root   string
}

// OpenFolder makes the folder if it is missing, checks that it can be written,
// and removes what was being stored, and nobody has written to for a day; uploads in pieces stay for 30 days.
func OpenFolder(root string) (*Folder, error) {
	f := LookFolder(root)
	if err := os.MkdirAll(f.incoming(), 0o700); err != nil {
		return nil, fmt.Errorf("making the folder for files: %w", err)
	}
	if err := f.Check(context.Background()); err != nil {
		return nil, err
	}
	return f, f.sweep(context.Background())
}

// Close ends nothing: a folder stays as it is.
func (f *Folder) Close() {}

func (f *Folder) incoming() string { return filepath.Join(f.root, "incoming") }

// path is where the bytes of a hash lie: 256 folders keep each listing short.
func (f *Folder) path(hash string) string { return filepath.Join(f.root, hash[:2], hash) }

// Check reports whether files can be written.
func (f *Folder) Check(context.Context) error {
	t, err := os.CreateTemp(f.incoming(), "check-")
	if err != nil {
		return fmt.Errorf("writing to the folder for files: %w", err)
	}
	t.Close()
	return os.Remove(t.Name())
}

func (f *Folder) sweep(ctx context.Context) error {
	return f.Strays(ctx, func(s Stray) error { return f.RemoveStray(ctx, s.Name) })
}

// Put stores what r yields and returns its hash and size in bytes. When it
// returns without error the bytes are on the disk: file and folder are synced.
// Where it fails nothing is kept; ErrFull: no room.
func (f *Folder) Put(ctx context.Context, r io.Reader) (hash string, size int64, err error) {
	t, hash, size, err := f.receive(ctx, r)
	if err != nil {
		return "", 0, err
	}
	return hash, size, f.keep(t, hash)
}

// receive writes what r yields to a temporary file, whose bytes are on the disk when it returns.
func (f *Folder) receive(ctx context.Context, r io.Reader) (temporary, hash string, size int64, err error) {
	t, err := os.CreateTemp(f.incoming(), "put-")
	if err != nil {
		return "", "", 0, fmt.Errorf("beginning to store a file: %w", full(err))
	}
	defer func() {
		t.Close()
		if err != nil {
			os.Remove(t.Name())
		}
	}()
	sum := sha256.New()
	size, err = io.Copy(io.MultiWriter(t, sum), &contextReader{ctx, r})
	if err == nil {
		err = t.Sync()
	}
	if err != nil {
		return "", "", 0, fmt.Errorf("storing a file: %w", full(err))
	}
	return t.Name(), hex.EncodeToString(sum.Sum(nil)), size, nil
}

// name gives finished bytes their place.
func (f *Folder) name(temporary, hash string) error {
	to := f.path(hash)
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return fmt.Errorf("storing a file: %w", full(err))
	}
	if err := os.Rename(temporary, to); err != nil {
		return fmt.Errorf("storing a file: %w", full(err))
	}
	return nil
}

// keep gives finished bytes their place for good.
func (f *Folder) keep(temporary, hash string) error {
	if err := f.name(temporary, hash); err != nil {
		return err
	}
	return f.syncName(hash)
}

// syncName makes the place of a hash last.
func (f *Folder) syncName(hash string) error {
	for _, dir := range []string{filepath.Dir(f.path(hash)), f.root} {
		if err := syncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("syncing a folder: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("syncing a folder: %w", err)
	}
	return nil
}

// Open returns the bytes stored under hash; the caller closes it. ErrNotFound:
// there are none.
func (f *Folder) Open(_ context.Context, hash string) (io.ReadSeekCloser, error) {
	if !validHash(hash) {
		return nil, fmt.Errorf("opening a file: %w", ErrNotFound)
	}
	file, err := os.Open(f.path(hash))
	if errors.Is(err, fs.ErrNotExist) {
		err = ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("opening a file: %w", err)
	}
	return file, nil
}

// Address is "": the bytes in a folder have none of their own.
func (f *Folder) Address(context.Context, string, string, string, time.Duration) (string, error) {
	return "", nil
}

// validHash reports whether hash can be the name of stored bytes.
func validHash(hash string) bool {
	return len(hash) == hex.EncodedLen(sha256.Size) && strings.Trim(hash, "0123456789abcdef") == ""
}

// full adds ErrFull to the errors that mean it.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}

// contextReader stops reading when its context is done.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
