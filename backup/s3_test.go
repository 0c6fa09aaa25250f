package backup

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/minio/minio-go/v7/pkg/credentials"

	"neochat/files"
	"neochat/files/s3test"
)

// Files in an object store are backed up as those in a folder are, and come back to either.
func TestObjectStore(t *testing.T) {
	server := s3test.Start(t)
	open := func(prefix string) *files.S3 {
		t.Helper()
		cfg, err := files.ParseS3(server.Address(prefix))
		if err != nil {
			t.Fatal(err)
		}
		s, err := files.OpenS3(t.Context(), cfg, credentials.NewStaticV4(s3test.AccessKey, s3test.SecretKey, ""), filepath.Join(t.TempDir(), "incoming"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		return s
	}
	h, to, there := newHouse(t), t.TempDir(), open("there")
	h.src.Blobs = there
	for n := range 3 {
		hash := h.put(fmt.Sprint("body ", n))
		r, err := h.files.Open(t.Context(), hash)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := there.Put(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if err := h.files.Remove(t.Context(), hash); err != nil {
			t.Fatal(err)
		}
	}
	if made := h.backup(to, 0); made.Copied != 3 || made.Missing != nil {
		t.Errorf("the first: %+v", made)
	}
	if made := h.backup(to, 0); made.Copied != 0 {
		t.Errorf("the second: %+v", made)
	}
	right(t, to)
	back := open("back")
	for _, blobs := range []Blobs{back, nil} {
		at, _ := target(t)
		if blobs != nil {
			at.Blobs = func(context.Context) (Blobs, error) { return blobs, nil }
		}
		r, err := Restore(t.Context(), to, "", at, nil)
		if err != nil || r.Copied != 3 {
			t.Errorf("restored %d, %v", r.Copied, err)
		}
		if blobs == nil {
			blobs = files.LookFolder(filepath.Join(at.Folder, "files"))
		}
		e, err := VerifyData(t.Context(), Source{Database: at.Database, Blobs: blobs}, true, nil)
		if err != nil || e.Wrong != nil || e.Blobs != 3 || e.Bytes != 18 {
			t.Errorf("what was restored: %+v, %v", e, err)
		}
	}
}
