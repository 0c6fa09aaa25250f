package files

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func open(t *testing.T) *Folder {
	t.Helper()
	f, err := OpenFolder(filepath.Join(t.TempDir(), "files"))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func count(t *testing.T, root string) (n int) {
	t.Helper()
	err := filepath.WalkDir(root, func(_ string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestPutOpen(t *testing.T) {
	f, ctx := open(t), context.Background()
	want := bytes.Repeat([]byte("neochat"), 100_000)
	hash, size, err := f.Put(ctx, bytes.NewReader(want))
	if err != nil || size != int64(len(want)) {
		t.Fatal(size, err)
	}
	r, err := f.Open(ctx, hash)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Seek(7, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want[7:]) {
		t.Error("read back other bytes", err)
	}
}

func TestEqualBytesAreKeptOnce(t *testing.T) {
	f := open(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if _, _, err := f.Put(context.Background(), strings.NewReader("same")); err != nil {
				t.Error(err)
			}
		}()
	}
	wg.Wait()
	if n := count(t, f.root); n != 1 {
		t.Errorf("%d files are kept", n)
	}
}

type failing struct{ after io.Reader }

var errCut = errors.New("cut off")

func (f *failing) Read(p []byte) (int, error) {
	n, err := f.after.Read(p)
	if err == io.EOF {
		err = errCut
	}
	return n, err
}

func TestFailedPutKeepsNothing(t *testing.T) {
	f := open(t)
	if _, _, err := f.Put(context.Background(), &failing{strings.NewReader("half")}); !errors.Is(err, errCut) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := f.Put(ctx, strings.NewReader("never")); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if n := count(t, f.root); n != 0 {
		t.Errorf("%d files are kept", n)
	}
}

func TestOpenMissing(t *testing.T) {
	f := open(t)
	for _, hash := range []string{"", "../../etc/passwd", strings.Repeat("0", 64), strings.Repeat("g", 64)} {
		if _, err := f.Open(context.Background(), hash); !errors.Is(err, ErrNotFound) {
			t.Errorf("%q: %v", hash, err)
		}
	}
}

func TestOpenFolder(t *testing.T) {
	root := filepath.Join(t.TempDir(), "files")
	f, err := OpenFolder(root)
	if err != nil {
		t.Fatal(err)
	}
	old, young := filepath.Join(f.incoming(), "put-old"), filepath.Join(f.incoming(), "put-young")
	for _, p := range []string{old, young} {
		if err := os.WriteFile(p, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	long := time.Now().Add(-2 * abandoned)
	if err := os.Chtimes(old, long, long); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenFolder(root); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(old); !os.IsNotExist(err) {
		t.Error("an abandoned upload was left")
	}
	if _, err := os.Stat(young); err != nil {
		t.Error("an upload that may still run was removed")
	}
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenFolder(blocked); err == nil {
		t.Error("a file was taken for a folder")
	}
}
