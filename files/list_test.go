package files

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"
)

// listed is a place that lists what it keeps.
type listed interface {
	Put(context.Context, io.Reader) (string, int64, error)
	List(context.Context, func(Stored) error) error
}

// list puts files and lists them; what is at another place is not among them.
func list(t *testing.T, at, other listed) {
	t.Helper()
	want := map[string]int64{}
	for _, size := range []int{0, 1, 5000, 70_000} {
		hash, n, err := at.Put(t.Context(), bytes.NewReader(random(size)))
		if err != nil {
			t.Fatal(err)
		}
		want[hash] = n
	}
	if _, _, err := other.Put(t.Context(), bytes.NewReader(random(9))); err != nil {
		t.Fatal(err)
	}
	n := 0
	err := at.List(t.Context(), func(s Stored) error {
		n++
		if size, ok := want[s.Hash]; !ok || size != s.Size || s.Time.IsZero() {
			t.Errorf("it lists %+v", s)
		}
		return nil
	})
	if err != nil || n != len(want) {
		t.Errorf("%d are listed, want %d: %v", n, len(want), err)
	}
	stop := errors.New("enough")
	n = 0
	if err := at.List(t.Context(), func(Stored) error { n++; return stop }); !errors.Is(err, stop) || n != 1 {
		t.Errorf("told to stop it went on to %d: %v", n, err)
	}
}

func TestFolderList(t *testing.T) {
	at := open(t)
	for _, name := range []string{"note.txt", "incoming/put-1", "zz/note", "ab/abc"} {
		path := filepath.Join(at.root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte("x"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	list(t, at, open(t))
}

func TestRemove(t *testing.T) {
	f := open(t)
	hash, _, err := f.Put(t.Context(), bytes.NewReader(random(7)))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time there is nothing to remove
		if err := f.Remove(t.Context(), hash); err != nil {
			t.Error(err)
		}
	}
	if _, err := f.Open(t.Context(), hash); !errors.Is(err, ErrNotFound) {
		t.Errorf("after it was removed: %v", err)
	}
	if err := f.Remove(t.Context(), "../../x"); !errors.Is(err, ErrNotFound) {
		t.Errorf("a name that is no hash: %v", err)
	}
}

func TestBatch(t *testing.T) {
	f := open(t)
	b := f.Batch()
	list(t, b, open(t).Batch())
	stop := errors.New("no more")
	if _, _, err := b.Put(t.Context(), io.MultiReader(bytes.NewReader(random(9)), iotest.ErrReader(stop))); !errors.Is(err, stop) {
		t.Errorf("what cannot be read: %v", err)
	}
	if err := b.Sync(); err != nil {
		t.Error(err)
	}
	if n := count(t, f.root); n != 4 {
		t.Errorf("%d files lie there, want 4", n)
	}
	if err := os.RemoveAll(f.root); err != nil {
		t.Fatal(err)
	}
	if err := b.Sync(); err == nil {
		t.Error("a folder that is gone was synced")
	}
}
