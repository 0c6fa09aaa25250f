// Package s3test runs a real object store for tests: versitygw, which keeps objects as
// files in a folder.
package s3test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// The keys of every store, and its one bucket.
const (
	AccessKey = "test-access-key"
	SecretKey = "test-secret-key-canary"
	Bucket    = "neochat"
)

const (
	version  = "v1.8.0"
	patience = 30 * time.Second
)

// Store is a running store with a folder of its own. It ends with the test.
type Store struct {
	Folder  string // objects lie in Folder/Bucket
	t       testing.TB
	binary  string
	address string
	cmd     *exec.Cmd // nil while it is stopped
	exited  chan struct{}
}

// Start starts a store with an empty bucket. The program is built the first time, which
// takes minutes, and kept in the user's cache folder; short test runs are skipped.
func Start(t testing.TB) *Store {
	t.Helper()
	if testing.Short() {
		t.Skip("object stores are left out of short runs")
	}
	binary, err := build()
	if err != nil {
		t.Fatal(err)
	}
	s := &Store{Folder: t.TempDir(), t: t, binary: binary, address: freeAddress(t)}
	s.Run()
	t.Cleanup(s.Kill)
	client, err := minio.New(s.address, &minio.Options{Creds: credentials.NewStaticV4(AccessKey, SecretKey, ""), Region: "us-east-1"})
	if err == nil {
		err = client.MakeBucket(context.Background(), Bucket, minio.MakeBucketOptions{})
	}
	if err != nil {
		t.Fatalf("making a bucket: %v", err)
	}
	return s
}

// Address is what --files takes: the bucket, and in it a prefix.
func (s *Store) Address(prefix string) string {
	return "s3://" + Bucket + "/" + prefix + "?region=us-east-1&path-style=yes&endpoint=" + url.QueryEscape("http://"+s.address)
}

// Environment is what a server needs to have in it.
func (s *Store) Environment() []string {
	return []string{"NEOCHAT_S3_ACCESS_KEY=" + AccessKey, "NEOCHAT_S3_SECRET_KEY=" + SecretKey}
}

// Run starts the store again after Kill, at the same address with the same objects.
func (s *Store) Run() {
	s.t.Helper()
	cmd := exec.Command(s.binary, "--port", s.address, "--quiet", "--region", "us-east-1", "posix", s.Folder)
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+AccessKey, "ROOT_SECRET_KEY="+SecretKey)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		s.t.Fatalf("starting the object store: %v", err)
	}
	exited := make(chan struct{})
	go func() { _ = cmd.Wait(); close(exited) }()
	s.cmd, s.exited = cmd, exited
	if err := s.answers(); err != nil {
		s.t.Fatalf("the object store does not answer: %v", err)
	}
}

// answers waits until the store takes requests.
func (s *Store) answers() error {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	for until := time.Now().Add(patience); ; {
		resp, err := client.Get("http://" + s.address + "/")
		if err == nil {
			return resp.Body.Close()
		}
		select {
		case <-s.exited:
			return errors.New("it has ended")
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(until) {
			return err
		}
	}
}

// Kill ends the store as a power cut would.
func (s *Store) Kill() {
	if s.cmd == nil {
		return
	}
	if err := s.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.t.Errorf("ending the object store: %v", err)
	}
	<-s.exited
	s.cmd = nil
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// build returns the path of the program, which is made if it is missing. A file lock keeps
// several test processes from building at once.
func build() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("a folder for the object store's program: %w", err)
	}
	dir := filepath.Join(cache, "neochat-tests", "versitygw-"+version)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("a folder for the object store's program: %w", err)
	}
	lock, err := os.Create(filepath.Join(dir, "lock"))
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", fmt.Errorf("waiting for another build of the object store: %w", err)
	}
	path := filepath.Join(dir, "versitygw")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	cmd := exec.Command("go", "install", "github.com/versity/versitygw/cmd/versitygw@"+version)
	cmd.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the object store: %w\n%s", err, out)
	}
	return path, nil
}
