package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/minio/minio-go/v7"
)

// Stored tells of bytes that are kept.
type Stored struct {
	Hash string
	Size int64     // bytes
	Time time.Time // when they were last stored
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

// List calls each for everything that is kept, in the order of the hashes. What is stored meanwhile may be missing.
// An error of each ends it and is returned.
func (s *S3) List(ctx context.Context, each func(Stored) error) error {
	for o := range s.core.Client.ListObjectsIter(ctx, s.cfg.Bucket, minio.ListObjectsOptions{Prefix: s.cfg.Prefix, Recursive: true}) {
		if o.Err != nil {
			return fmt.Errorf("listing the bucket %s: %w", s.cfg.Bucket, s3Error(o.Err))
		}
		hash := path.Base(o.Key)
		if !validHash(hash) || o.Key != s.key(hash) {
			continue
		}
		if err := each(Stored{hash, o.Size, o.LastModified}); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// Remove removes the bytes stored under hash, if there are any.
func (s *S3) Remove(ctx context.Context, hash string) error {
	if !validHash(hash) {
		return fmt.Errorf("removing a file: %w", ErrNotFound)
	}
	if err := s.core.Client.RemoveObject(ctx, s.cfg.Bucket, s.key(hash), minio.RemoveObjectOptions{}); err != nil {
		return fmt.Errorf("removing a file: %w", s3Error(err))
	}
	return nil
}
