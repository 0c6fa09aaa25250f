package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
)

// reference serves a folder until ctx ends: http.FileServer, and for PUT the least that keeps a file as
// neochat does: copied, hashed, fsynced, renamed into place, its folder fsynced.
func reference(ctx context.Context, dir string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("listens on", l.Addr())
	read := http.FileServer(http.Dir(dir))
	context.AfterFunc(ctx, func() { l.Close() })
	err = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPut {
			read.ServeHTTP(w, r)
			return
		}
		hash, err := keep(dir, filepath.Base(r.URL.Path), r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprintf(w, "%x\n", hash)
	}))
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func keep(dir, name string, r io.Reader) (hash []byte, err error) {
	f, err := os.CreateTemp(dir, "part-")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(f, sum), r); err != nil {
		return nil, errors.Join(err, os.Remove(f.Name()))
	}
	if err := f.Sync(); err != nil {
		return nil, err
	}
	if err := os.Rename(f.Name(), filepath.Join(dir, name)); err != nil {
		return nil, err
	}
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return sum.Sum(nil), d.Sync()
}
