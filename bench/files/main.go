// Command files measures uploads and downloads beside the least that could do the same: a Go program that copies, hashes and
// fsyncs over HTTP, minio-go straight to the same object store, and http.FileServer. It measures memory too.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"neochat/bench/process"
	"neochat/files/s3test"
)

type options struct {
	binary    string
	dir       string
	store     string
	mib       int
	rounds    int
	memory    bool
	reference string
}

func main() {
	var o options
	flag.StringVar(&o.binary, "binary", "bin/neochat", "the server")
	flag.StringVar(&o.dir, "dir", "", "where everything is kept; a temporary folder by default")
	flag.StringVar(&o.store, "store", "versitygw", "object store to be built and run: versitygw or minio; empty: none")
	flag.IntVar(&o.mib, "mib", 1024, "MiB of a large file")
	flag.IntVar(&o.rounds, "rounds", 3, "how often each transfer is made, in turns with its reference")
	flag.BoolVar(&o.memory, "memory", true, "measure memory too")
	flag.StringVar(&o.reference, "reference", "", "be the program to compare with, for this folder")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench/files:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	if o.reference != "" {
		return reference(ctx, o.reference)
	}
	dir, err := os.MkdirTemp(o.dir, "neochat-files-")
	if err != nil {
		return err
	}
	err = inFolder(ctx, o, filepath.Join(dir, "folder"))
	if err == nil && o.store != "" {
		err = inStore(ctx, o, filepath.Join(dir, "store"))
	}
	return errors.Join(err, os.RemoveAll(dir))
}

// inFolder measures a server that keeps files in its folder.
func inFolder(ctx context.Context, o options, dir string) (err error) {
	fmt.Println("Files in a folder")
	s, err := process.Neochat(ctx, o.binary, filepath.Join(dir, "neochat"), nil, unbounded...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	p, err := register(ctx, s.Addr)
	if err != nil {
		return err
	}
	ref, err := startReference(ctx, filepath.Join(dir, "reference"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ref.Stop()) }()
	other := &person{at: "http://" + ref.Addr, plain: true}
	if err := small(ctx, subject{"neochat", p, s.CPU}, subject{"http.FileServer", other, ref.CPU}); err != nil {
		return err
	}
	if err := o.large(ctx, []way{
		{"neochat, tus", p.viaTus, s.CPU}, {"neochat, PUT", p.viaPut, s.CPU}, {"copied, hashed, fsynced", other.viaPut, ref.CPU},
	}); err != nil || !o.memory {
		return err
	}
	return memory(ctx, s, p)
}

// inStore measures a server that keeps files in an object store.
func inStore(ctx context.Context, o options, dir string) (err error) {
	fmt.Printf("Files in an object store (%s)\n", o.store)
	folder := filepath.Join(dir, "objects")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	store, err := s3test.Launch(o.store, folder)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Kill()) }()
	s, err := process.Neochat(ctx, o.binary, filepath.Join(dir, "neochat"), store.Environment(), append(unbounded, "--files", store.Address("n"))...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	p, err := register(ctx, s.Addr)
	if err != nil {
		return err
	}
	client, err := store.Client()
	if err != nil {
		return err
	}
	if err := o.large(ctx, []way{
		{"neochat, tus", p.viaTus, s.CPU}, {"neochat, PUT", p.viaPut, s.CPU}, {"minio-go, straight", straight{client}.via, ownCPU},
	}); err != nil || !o.memory {
		return err
	}
	return memory(ctx, s, p)
}

// unbounded is what lets one account have all of this.
var unbounded = []string{"--quota", "0", "--max-file", "4096"}

// startReference starts this program as the one to compare with.
func startReference(ctx context.Context, dir string) (*process.Process, error) {
	self, err := os.Executable()
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return nil, err
	}
	return process.Start(exec.CommandContext(ctx, self, "-reference", dir))
}
