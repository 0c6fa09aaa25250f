package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"neochat/files"
	"neochat/signaling"
)

// blobs is where the bytes of files are: a folder or an object store.
type blobs interface {
	signaling.Blobs
	signaling.Uploads
	Check(ctx context.Context) error // whether files can be written
	List(ctx context.Context, each func(files.Stored) error) error
	Strays(ctx context.Context, each func(files.Stray) error) error
	RemoveStray(ctx context.Context, name string) error
	Close()
}

// openBlobs opens what --files names; "" is a folder below data.
func openBlobs(ctx context.Context, where, data string) (blobs, error) {
	if !strings.Contains(where, "://") {
		where = filesFolder(where, data)
	}
	return openPlace(ctx, "--files", where, data, os.Getenv)
}

// openPlace opens the folder or object store that a flag names.
func openPlace(ctx context.Context, flag, where, data string, getenv func(string) string) (blobs, error) {
	if !strings.Contains(where, "://") {
		folder, err := files.OpenFolder(where)
		if err != nil {
			return nil, fmt.Errorf("%w; choose another folder with %s", err, flag)
		}
		return folder, nil
	}
	cfg, err := files.ParseS3(where)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	keys, err := files.S3Keys(getenv)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	store, err := files.OpenS3(ctx, cfg, keys, filepath.Join(data, "incoming"))
	if err != nil {
		return nil, fmt.Errorf("%s: %w; check that it runs, the bucket's name, the region, and that the keys may write", flag, err)
	}
	return store, nil
}

// filesFolder is the folder that --files names; "" is one below data.
func filesFolder(where, data string) string {
	if where == "" {
		return filepath.Join(data, "files")
	}
	return where
}
