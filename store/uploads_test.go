package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// openWithQuota opens a new database where each account may have so many bytes.
func openWithQuota(t *testing.T, quota int64, accounts ...string) *Store {
	t.Helper()
	s, err := Open(t.Context(), Config{Database: databases.Fresh(t), PasswordCost: cheap, Quota: quota, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	addUsers(t, s, accounts...)
	return s
}

func soon() int64 { return time.Now().Add(time.Hour).UnixMilli() }

// begin notes an upload of so many bytes.
func begin(t *testing.T, s *Store, owner, id, name string, size int64) Upload {
	t.Helper()
	u, err := s.BeginUpload(t.Context(), Upload{ID: id, Owner: owner, Name: name, Size: size, Carry: []byte("{}"), Expires: soon()})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func used(t *testing.T, s *Store, account string) int64 {
	t.Helper()
	n, _, err := s.Usage(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestUploadBecomesAFile(t *testing.T) {
	s := openNew(t, "a", "b")
	ctx := t.Context()
	u := begin(t, s, "a", "1", "a_1_x", 3)
	if got, err := s.Upload(ctx, "a", "1"); err != nil || string(got.Carry) != "{}" || got.Name != "a_1_x" || got.Size != 3 || got.Created != u.Created || got.Expires != u.Expires || got.Finished {
		t.Errorf("begun: %+v, %v", got, err)
	}
	for _, c := range [][2]string{{"b", "1"}, {"a", "2"}} {
		if _, err := s.Upload(ctx, c[0], c[1]); !errors.Is(err, ErrNotFound) {
			t.Errorf("the upload %s, for %s: %v", c[1], c[0], err)
		}
	}
	if _, err := s.ReadableFile(ctx, "a", "a_1_x"); !errors.Is(err, ErrNotFound) {
		t.Errorf("before it is whole the file is there: %v", err)
	}
	f := File{Name: "a_1_x", Owner: "a", Hash: "h", ContentType: "text/plain", Size: 3}
	stored, err := s.FinishUpload(ctx, "1", f)
	if err != nil || stored.Hash != "h" || stored.Time == 0 {
		t.Fatalf("finishing: %+v, %v", stored, err)
	}
	if again, err := s.FinishUpload(ctx, "1", File{}); err != nil || again != stored {
		t.Errorf("finishing again: %+v, %v", again, err)
	}
	if got, err := s.Upload(ctx, "a", "1"); err != nil || !got.Finished {
		t.Errorf("finished: %+v, %v", got, err)
	}
	if got, err := s.ReadableFile(ctx, "a", "a_1_x"); err != nil || got != stored {
		t.Errorf("the file: %+v, %v", got, err)
	}
	if n := used(t, s, "a"); n != 3 {
		t.Errorf("it counts %d times 3 bytes", n/3)
	}
	if _, err := s.FinishUpload(ctx, "none", f); !errors.Is(err, ErrNotFound) {
		t.Errorf("finishing what was not begun: %v", err)
	}
}

func TestUploadsOfOneName(t *testing.T) {
	s := openNew(t, "a")
	ctx := t.Context()
	begin(t, s, "a", "1", "n", 3)
	begin(t, s, "a", "2", "n", 3)
	if _, err := s.Upload(ctx, "a", "1"); !errors.Is(err, ErrNotFound) {
		t.Errorf("the one begun before: %v", err)
	}
	if got, err := s.ExpiredUploads(ctx, 10); err != nil || fmt.Sprint(got) != "[1]" {
		t.Errorf("expired are %v, %v", got, err)
	}
	if _, err := s.FinishUpload(ctx, "1", File{Name: "n", Owner: "a", Hash: "h", Size: 3}); !errors.Is(err, ErrNotFound) {
		t.Errorf("the one begun before is finished: %v", err)
	}
	if _, err := s.FinishUpload(ctx, "2", File{Name: "n", Owner: "a", Hash: "h", Size: 3}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.BeginUpload(ctx, Upload{ID: "3", Owner: "a", Name: "n", Size: 4, Expires: soon()}); !errors.Is(err, ErrConflict) {
		t.Errorf("another size: %v", err)
	}
	begin(t, s, "a", "4", "n", 3)
	if _, err := s.FinishUpload(ctx, "4", File{Name: "n", Owner: "a", Hash: "other", Size: 3}); !errors.Is(err, ErrConflict) {
		t.Errorf("other bytes: %v", err)
	}
	if f, err := s.FinishUpload(ctx, "4", File{Name: "n", Owner: "a", Hash: "h", Size: 3}); err != nil || f.Hash != "h" {
		t.Errorf("the same bytes: %+v, %v", f, err)
	}
}

func TestUploadsExpire(t *testing.T) {
	s := openNew(t, "a")
	ctx := t.Context()
	begin(t, s, "a", "1", "n", 3)
	if err := s.KeepUpload(ctx, "1", time.UnixMilli(soon()+5)); err != nil {
		t.Fatal(err)
	}
	at := time.UnixMilli(soon() + 7)
	for range 2 { // the second changes nothing
		if err := s.KeepUpload(ctx, "1", at); err != nil {
			t.Fatal(err)
		}
	}
	if u, err := s.Upload(ctx, "a", "1"); err != nil || u.Expires != at.UnixMilli() {
		t.Errorf("kept: %+v, %v", u, err)
	}
	if err := s.ExpireUpload(ctx, "1"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Upload(ctx, "a", "1"); !errors.Is(err, ErrNotFound) {
		t.Errorf("expired: %v", err)
	}
	if err := s.KeepUpload(ctx, "1", at); !errors.Is(err, ErrNotFound) {
		t.Errorf("keeping it: %v", err)
	}
	if n := used(t, s, "a"); n != 0 {
		t.Errorf("it still counts %d bytes", n)
	}
	if err := s.DropUpload(ctx, "1"); err != nil {
		t.Fatal(err)
	}
	if got, err := s.ExpiredUploads(ctx, 10); err != nil || len(got) != 0 {
		t.Errorf("dropped, and still there: %v, %v", got, err)
	}
}

func TestUploadsCountBeforeTheyAreWhole(t *testing.T) {
	s := openWithQuota(t, 10, "a", "b")
	ctx := t.Context()
	begin(t, s, "a", "1", "1", 6)
	if n := used(t, s, "a"); n != 6 {
		t.Errorf("%d bytes are counted", n)
	}
	_, err := s.BeginUpload(ctx, Upload{ID: "2", Owner: "a", Name: "2", Size: 5, Expires: soon()})
	if !errors.Is(err, ErrTooLarge) {
		t.Errorf("past the quota: %v", err)
	}
	if _, err := s.PutFile(ctx, File{Name: "f", Owner: "a", Hash: "h", Size: 5}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a file past the quota: %v", err)
	}
	begin(t, s, "b", "3", "3", 10)
	begin(t, s, "a", "4", "1", 10) // begun anew
	if _, err := s.FinishUpload(ctx, "4", File{Name: "1", Owner: "a", Hash: "h", Size: 10}); err != nil {
		t.Errorf("what was counted is not taken: %v", err)
	}
	begin(t, s, "a", "5", "1", 10) // the same file again
}

func TestQuotaRace(t *testing.T) {
	s := openWithQuota(t, 10, "a")
	ctx := t.Context()
	var begun, files atomic.Int32
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			name := fmt.Sprint(i)
			var err error
			if i%2 == 0 {
				if _, err = s.BeginUpload(ctx, Upload{ID: name, Owner: "a", Name: name, Size: 3, Expires: soon()}); err == nil {
					begun.Add(1)
				}
			} else if _, err = s.PutFile(ctx, File{Name: name, Owner: "a", Hash: name, Size: 3}); err == nil {
				files.Add(1)
			}
			if err != nil && !errors.Is(err, ErrTooLarge) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := begun.Load() + files.Load(); n != 3 {
		t.Errorf("%d times 3 bytes were taken where 10 are allowed", n)
	}
}

func TestUploadsUnderWay(t *testing.T) {
	s := openNew(t, "a", "b")
	for i := range maxUploads {
		begin(t, s, "a", fmt.Sprint(i), fmt.Sprint(i), 1)
	}
	next := Upload{ID: "next", Owner: "a", Name: "next", Size: 1, Expires: soon()}
	if _, err := s.BeginUpload(t.Context(), next); !errors.Is(err, ErrTooMany) {
		t.Errorf("one more: %v", err)
	}
	begin(t, s, "a", "again", "0", 1)
	begin(t, s, "b", "b", "b", 1)
	if _, err := s.FinishUpload(t.Context(), "again", File{Name: "0", Owner: "a", Hash: "h", Size: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.BeginUpload(context.Background(), next); err != nil {
		t.Errorf("with one less: %v", err)
	}
	if _, err := s.BeginUpload(t.Context(), Upload{ID: "x", Owner: "nobody", Name: "x", Expires: soon()}); !errors.Is(err, ErrNotFound) {
		t.Errorf("of nobody: %v", err)
	}
}
