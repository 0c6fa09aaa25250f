package files

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// uploading is a store that takes uploads in pieces.
type uploading interface {
	Open(ctx context.Context, hash string) (io.ReadSeekCloser, error)
	Remove(ctx context.Context, hash string) error
	Begin(ctx context.Context, id string, size int64) error
	Offset(ctx context.Context, id string) (int64, error)
	Append(ctx context.Context, id string, at int64, r io.Reader, whole bool) (int64, error)
	Finish(ctx context.Context, id string) (string, error)
	Drop(ctx context.Context, id string) error
}

// again opens what the last store has kept up to now in another one, as after the process was killed.
type again func() uploading

const uploadID = "abcdefghijklmnopqrstuvwxyz012345"

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// uploads runs what holds for every store; big is a size that makes it do all it can.
func uploads(t *testing.T, big int, open func(t *testing.T) (uploading, again)) {
	for name, test := range map[string]func(*testing.T, uploading, []byte){
		"pieces": uploadPieces, "empty": uploadEmpty, "places": uploadPlaces, "broken": uploadBroken, "whole": uploadWhole, "whole later": uploadWholeLater,
		"too long": uploadTooLong, "busy": uploadBusy, "unknown": uploadUnknown, "removed": uploadRemoved, "too large": uploadTooLarge,
	} {
		t.Run(name, func(t *testing.T) { u, _ := open(t); test(t, u, random(big)) })
	}
	t.Run("killed", func(t *testing.T) { u, again := open(t); uploadKilled(t, u, again, random(big)) })
	t.Run("killed in a whole piece", func(t *testing.T) { u, again := open(t); uploadKilledWhole(t, u, again, random(big)) })
	t.Run("finished in another life", func(t *testing.T) { u, again := open(t); uploadFinishedAgain(t, u, again, random(big)) })
}

func begin(t *testing.T, u uploading, size int) {
	t.Helper()
	if err := u.Begin(t.Context(), uploadID, int64(size)); err != nil {
		t.Fatal(err)
	}
}

func add(t *testing.T, u uploading, at int, piece []byte, whole bool) {
	t.Helper()
	if offset, err := u.Append(t.Context(), uploadID, int64(at), bytes.NewReader(piece), whole); err != nil || offset != int64(at+len(piece)) {
		t.Fatalf("after %d bytes at %d: %d, %v", len(piece), at, offset, err)
	}
}

func offsetIs(t *testing.T, u uploading, want int) {
	t.Helper()
	if got, err := u.Offset(t.Context(), uploadID); err != nil || got != int64(want) {
		t.Fatalf("the offset is %d, not %d: %v", got, want, err)
	}
}

// becomes finishes and reads it back.
func becomes(t *testing.T, u uploading, want []byte) {
	t.Helper()
	hash, err := u.Finish(t.Context(), uploadID)
	if err != nil || hash != hashOf(want) {
		t.Fatalf("it became %s, not %s: %v", hash, hashOf(want), err)
	}
	r, err := u.Open(t.Context(), hash)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%d other bytes were read back: %v", len(got), err)
	}
}

func uploadPieces(t *testing.T, u uploading, want []byte) {
	begin(t, u, len(want))
	if err := u.Begin(t.Context(), uploadID, 1); !errors.Is(err, fs.ErrExist) {
		t.Errorf("begun twice: %v", err)
	}
	at := 0
	for i, share := range []int{1, 1000, len(want)/2 - 7, 3, len(want)} {
		offsetIs(t, u, at)
		if _, err := u.Finish(t.Context(), uploadID); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("finished at %d: %v", at, err)
		}
		piece := want[at:min(at+share, len(want))]
		add(t, u, at, piece, i%2 == 1)
		at += len(piece)
	}
	for range 2 {
		becomes(t, u, want)
		offsetIs(t, u, len(want))
	}
	add(t, u, len(want), nil, false)
	for range 2 {
		if err := u.Drop(t.Context(), uploadID); err != nil {
			t.Error(err)
		}
	}
	if _, err := u.Offset(t.Context(), uploadID); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after it was dropped: %v", err)
	}
	if r, err := u.Open(t.Context(), hashOf(want)); err != nil {
		t.Error(err)
	} else {
		r.Close()
	}
}

func uploadEmpty(t *testing.T, u uploading, _ []byte) {
	begin(t, u, 0)
	offsetIs(t, u, 0)
	becomes(t, u, nil)
}

func uploadPlaces(t *testing.T, u uploading, want []byte) {
	begin(t, u, len(want))
	add(t, u, 0, want[:100], false)
	for _, at := range []int64{0, 99, 101, -1, int64(len(want)), 1 << 60} {
		if offset, err := u.Append(t.Context(), uploadID, at, strings.NewReader("x"), false); !errors.Is(err, ErrOffset) || offset != 100 {
			t.Errorf("at %d: %d, %v", at, offset, err)
		}
	}
	add(t, u, 100, want[100:], false)
	becomes(t, u, want)
	if offset, err := u.Append(t.Context(), uploadID, 0, strings.NewReader("x"), false); !errors.Is(err, ErrOffset) || offset != int64(len(want)) {
		t.Errorf("when it is finished: %d, %v", offset, err)
	}
}

// cut yields b and then fails.
func cut(b []byte) io.Reader { return io.MultiReader(bytes.NewReader(b), iotest.ErrReader(errCut)) }

func uploadBroken(t *testing.T, u uploading, want []byte) {
	begin(t, u, len(want))
	half := len(want) / 2
	if offset, err := u.Append(t.Context(), uploadID, 0, cut(want[:half]), false); !errors.Is(err, errCut) || offset != int64(half) {
		t.Fatal(offset, err)
	}
	offsetIs(t, u, half)
	ctx, cancel := context.WithCancel(t.Context())
	leaves := io.MultiReader(bytes.NewReader(want[half:half+10]), readerFunc(func([]byte) (int, error) { cancel(); return 0, nil }), bytes.NewReader(want))
	if offset, err := u.Append(ctx, uploadID, int64(half), leaves, false); !errors.Is(err, context.Canceled) || offset != int64(half+10) {
		t.Fatal(offset, err)
	}
	add(t, u, half+10, want[half+10:], false)
	becomes(t, u, want)
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func uploadWhole(t *testing.T, u uploading, want []byte) {
	begin(t, u, len(want))
	add(t, u, 0, want[:10], false)
	for _, n := range []int{0, 1, len(want) / 2, len(want) - 10} {
		if offset, err := u.Append(t.Context(), uploadID, 10, cut(want[10:10+n]), true); !errors.Is(err, errCut) || offset != 10 {
			t.Fatal(n, offset, err)
		}
		offsetIs(t, u, 10)
	}
	add(t, u, 10, want[10:], true)
	becomes(t, u, want)
}

// uploadWholeLater goes back to a place that is far behind the beginning.
func uploadWholeLater(t *testing.T, u uploading, want []byte) {
	begin(t, u, len(want))
	at := len(want) * 2 / 3
	add(t, u, 0, want[:at], false)
	wrong := random(len(want) - at)
	if offset, err := u.Append(t.Context(), uploadID, int64(at), cut(wrong), true); !errors.Is(err, errCut) || offset != int64(at) {
		t.Fatal(offset, err)
	}
	offsetIs(t, u, at)
	add(t, u, at, want[at:], true)
	becomes(t, u, want)
}

func uploadTooLong(t *testing.T, u uploading, want []byte) {
	begin(t, u, len(want))
	add(t, u, 0, want[:50], false)
	long := append(want[50:len(want):len(want)], 'x')
	if offset, err := u.Append(t.Context(), uploadID, 50, bytes.NewReader(long), true); !errors.Is(err, ErrTooLong) || offset != 50 {
		t.Errorf("one byte too many: %d, %v", offset, err)
	}
	offsetIs(t, u, 50)
	offset, err := u.Append(t.Context(), uploadID, 50, bytes.NewReader(long), false)
	if !errors.Is(err, ErrTooLong) || offset < 50 || offset >= int64(len(want)) {
		t.Fatalf("one byte too many: %d, %v", offset, err)
	}
	offsetIs(t, u, int(offset))
	add(t, u, int(offset), want[offset:], false)
	becomes(t, u, want)
}

func uploadBusy(t *testing.T, u uploading, want []byte) {
	begin(t, u, len(want))
	r, w := io.Pipe()
	done := make(chan error)
	go func() {
		_, err := u.Append(t.Context(), uploadID, 0, r, false)
		done <- err
	}()
	if _, err := w.Write(want[:20]); err != nil {
		t.Fatal(err)
	}
	for until := time.Now().Add(time.Minute); ; { // the pipe gave them away, and they are counted a moment later
		if n, err := u.Offset(t.Context(), uploadID); err != nil || n == 20 || time.Now().After(until) {
			offsetIs(t, u, 20)
			break
		}
	}
	_, err := u.Append(t.Context(), uploadID, 20, strings.NewReader("x"), false)
	_, errFinish := u.Finish(t.Context(), uploadID)
	for _, err := range []error{err, errFinish, u.Drop(t.Context(), uploadID)} {
		if !errors.Is(err, ErrBusy) {
			t.Errorf("while somebody appends: %v", err)
		}
	}
	if _, err := w.Write(want[20:]); err != nil {
		t.Error(err)
	}
	w.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
	becomes(t, u, want)
}

func uploadUnknown(t *testing.T, u uploading, _ []byte) {
	for _, id := range []string{"", "../../etc/passwd", strings.Repeat("a", 31), strings.Repeat("A", 32), strings.Repeat("/", 32), uploadID} {
		_, errOffset := u.Offset(t.Context(), id)
		_, errAppend := u.Append(t.Context(), id, 0, strings.NewReader("x"), false)
		_, errFinish := u.Finish(t.Context(), id)
		for _, err := range []error{errOffset, errAppend, errFinish} {
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%q: %v", id, err)
			}
		}
		if err := u.Drop(t.Context(), id); err != nil {
			t.Errorf("%q: %v", id, err)
		}
		if err := u.Begin(t.Context(), id, 1); id != uploadID && !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%q: %v", id, err)
		}
	}
	if err := u.Begin(t.Context(), strings.Repeat("b", 32), -1); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("of -1 bytes: %v", err)
	}
}

// uploadRemoved asks once more for what has become of an upload, and it is gone.
func uploadRemoved(t *testing.T, u uploading, want []byte) {
	begin(t, u, len(want))
	add(t, u, 0, want, false)
	becomes(t, u, want)
	for range 2 {
		if err := u.Remove(t.Context(), hashOf(want)); err != nil {
			t.Error(err)
		}
	}
	if _, err := u.Finish(t.Context(), uploadID); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the bytes are gone: %v", err)
	}
}

func uploadTooLarge(t *testing.T, u uploading, _ []byte) {
	if err := u.Begin(t.Context(), uploadID, 1<<60); !errors.Is(err, ErrFull) {
		t.Errorf("no disk has that room: %v", err)
	}
	if _, err := u.Offset(t.Context(), uploadID); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it was begun in spite of that: %v", err)
	}
}

// uploadKilled leaves an Append in the middle, as a process that is killed does, and goes on in another.
func uploadKilled(t *testing.T, u uploading, again again, want []byte) {
	begin(t, u, len(want))
	add(t, u, 0, want[:1000], false)
	at := 1000
	for _, more := range []int{len(want) / 3, 1, len(want) / 4} {
		leave(t, u, at, want[at:at+more], false, func() { u = again() })
		offsetIs(t, u, at+more)
		at += more
	}
	add(t, u, at, want[at:], false)
	becomes(t, u, want)
}

// leave has u append a piece that does not end, and calls meanwhile when all of it is written.
func leave(t *testing.T, u uploading, at int, piece []byte, whole bool, meanwhile func()) {
	t.Helper()
	r, w := io.Pipe()
	done := make(chan struct{})
	go func() { defer close(done); _, _ = u.Append(context.Background(), uploadID, int64(at), r, whole) }()
	if _, err := w.Write(piece); err != nil {
		t.Error(err)
	}
	if _, err := w.Write(nil); err != nil { // it asks for more: what it got before is written
		t.Error(err)
	}
	meanwhile()
	w.CloseWithError(errCut)
	<-done
}

func uploadKilledWhole(t *testing.T, u uploading, again again, want []byte) {
	begin(t, u, len(want))
	at := len(want) / 5
	add(t, u, 0, want[:at], false)
	leave(t, u, at, random(len(want)/2), true, func() { u = again() })
	offsetIs(t, u, at)
	add(t, u, at, want[at:], true)
	becomes(t, u, want)
}

func uploadFinishedAgain(t *testing.T, u uploading, again again, want []byte) {
	begin(t, u, len(want))
	add(t, u, 0, want, false)
	becomes(t, again(), want)
	becomes(t, again(), want)
}

func TestFolderUploads(t *testing.T) {
	uploads(t, 300_000, func(t *testing.T) (uploading, again) {
		f := open(t)
		return f, func() uploading {
			next := filepath.Join(t.TempDir(), "files")
			if err := os.CopyFS(next, os.DirFS(f.root)); err != nil {
				t.Fatal(err)
			}
			var err error
			if f, err = OpenFolder(next); err != nil {
				t.Fatal(err)
			}
			return f
		}
	})
}

// After a power cut only those bytes count that were made last, whatever else the file has.
func TestUploadAfterPowerCut(t *testing.T) {
	f := open(t)
	want := random(9000)
	begin(t, f, len(want))
	add(t, f, 0, want[:4000], false)
	path := segmentPath(f.dir, uploadID, 1)
	if err := os.WriteFile(path, append(want[:4000:4000], make([]byte, 3000)...), 0o600); err != nil {
		t.Fatal(err)
	}
	offsetIs(t, f, 7000)
	st, err := loadUpload(f.dir, uploadID)
	if err != nil {
		t.Fatal(err)
	}
	st.Boot = "another"
	if err := st.save(f.dir, uploadID, true); err != nil {
		t.Fatal(err)
	}
	offsetIs(t, f, 4000)
	add(t, f, 4000, want[4000:], false)
	becomes(t, f, want)
}

// Equal bytes that were uploaded in pieces and at once are kept once, and nothing else is left.
func TestUploadLeavesNothing(t *testing.T) {
	f := open(t)
	want := random(5000)
	if _, _, err := f.Put(t.Context(), bytes.NewReader(want)); err != nil {
		t.Fatal(err)
	}
	begin(t, f, len(want))
	add(t, f, 0, want, false)
	becomes(t, f, want)
	if err := f.Drop(t.Context(), uploadID); err != nil {
		t.Error(err)
	}
	if n := count(t, f.root); n != 1 {
		t.Errorf("%d files are left", n)
	}
}

// An upload stays for longer than what is stored at once may take.
func TestSweepOfUploads(t *testing.T) {
	f := open(t)
	begin(t, f, 5)
	for _, c := range []struct {
		age  time.Duration
		left int
	}{{2 * abandoned, 2}, {abandonedUpload + time.Hour, 0}} {
		long := time.Now().Add(-c.age)
		for _, path := range []string{segmentPath(f.dir, uploadID, 1), statePath(f.dir, uploadID)} {
			if err := os.Chtimes(path, long, long); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := OpenFolder(f.root); err != nil {
			t.Fatal(err)
		}
		if n := count(t, f.root); n != c.left {
			t.Errorf("%d files are left after %v", n, c.age)
		}
	}
}
