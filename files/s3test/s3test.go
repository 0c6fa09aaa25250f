// Package s3test runs real object stores for tests and benchmarks: versitygw, and MinIO.
package s3test

import (
	"context"
	"os"
	"testing"

	"github.com/minio/minio-go/v7"
)

// Store is a running store of a test. It ends with the test.
type Store struct {
	*Process
	t testing.TB
}

// Start starts a store with an empty bucket: versitygw, or the one that NEOCHAT_TEST_STORE names. Short test runs are skipped.
func Start(t testing.TB) *Store {
	t.Helper()
	if testing.Short() {
		t.Skip("object stores are left out of short runs")
	}
	name := os.Getenv("NEOCHAT_TEST_STORE")
	if name == "" {
		name = "versitygw"
	}
	p, err := Launch(name, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := &Store{Process: p, t: t}
	t.Cleanup(s.Kill)
	return s
}

// Run starts the store again after Kill, at the same address with the same objects.
func (s *Store) Run() {
	s.t.Helper()
	if err := s.Process.Run(); err != nil {
		s.t.Fatal(err)
	}
}

// Kill ends the store as a power cut would.
func (s *Store) Kill() {
	if err := s.Process.Kill(); err != nil {
		s.t.Error(err)
	}
}

// Keys are those of all objects that begin with prefix.
func (s *Store) Keys(prefix string) (keys []string) {
	s.t.Helper()
	client, err := s.Client()
	if err != nil {
		s.t.Fatal(err)
	}
	for at := range client.ListObjects(context.Background(), Bucket, minio.ListObjectsOptions{Prefix: prefix, Recursive: true}) {
		if at.Err != nil {
			s.t.Fatal(at.Err)
		}
		keys = append(keys, at.Key)
	}
	return keys
}
