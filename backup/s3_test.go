package backup

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
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
	bodies := []string{"body 0", "body 1", "body 2", strings.Repeat("in parts ", 2<<20)}
	for n, body := range bodies {
		hash := h.put(body)
		r, err := h.files.Open(t.Context(), hash)
		if err != nil {
			t.Fatal(err)
		}
		id := fmt.Sprintf("%032d", n)
		if err := there.Begin(t.Context(), id, int64(len(body))); err != nil {
			t.Fatal(err)
		}
		if _, err := there.Append(t.Context(), id, 0, r, false); err != nil {
			t.Fatal(err)
		}
		if got, err := there.Finish(t.Context(), id); err != nil || got != hash {
			t.Fatal(got, err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if err := h.files.Remove(t.Context(), hash); err != nil {
			t.Fatal(err)
		}
	}
	if made := h.backup(to, 0); made.Copied != 4 || made.Missing != nil {
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
		if err != nil || r.Copied != 4 {
			t.Errorf("restored %d, %v", r.Copied, err)
		}
		if blobs == nil {
			blobs = files.LookFolder(filepath.Join(at.Folder, "files"))
		}
		e, err := VerifyData(t.Context(), Source{Database: at.Database, Blobs: blobs}, true, nil)
		if err != nil || e.Wrong != nil || e.Blobs != 4 || e.Bytes != 18+9<<21 {
			t.Errorf("what was restored: %+v, %v", e, err)
		}
	}
}
