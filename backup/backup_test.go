package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"neochat/files"
	"neochat/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// house is a data folder with an account.
type house struct {
	t     *testing.T
	data  string
	store *store.Store
	files *files.Folder
	src   Source
	next  int // number of the next file
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, data: t.TempDir()}
	database := filepath.Join(h.data, "neochat.db")
	var err error
	h.store, err = store.Open(t.Context(), store.Config{Database: database, Logger: slog.New(slog.DiscardHandler), PasswordCost: store.PasswordCost{Memory: 64, Passes: 1, Parallelism: 1}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.store.Close(); err != nil {
			t.Error(err)
		}
	})
	if h.files, err = files.OpenFolder(filepath.Join(h.data, "files")); err != nil {
		t.Fatal(err)
	}
	if err := h.store.CreateUser(t.Context(), store.User{Account: "ann"}, "password"); err != nil {
		t.Fatal(err)
	}
	h.src = Source{Program: "test", Database: database, Blobs: h.files, Folder: h.data, Beside: []string{"relay.key", "certificates", "none"}}
	return h
}

// put uploads a file and returns its hash.
func (h *house) put(body string) string {
	h.t.Helper()
	hash, size, err := h.files.Put(h.t.Context(), strings.NewReader(body))
	if err == nil {
		h.next++
		_, err = h.store.PutFile(h.t.Context(), store.File{Name: fmt.Sprint("ann_", h.next), Owner: "ann", Hash: hash, Size: size, ContentType: "x"})
	}
	if err != nil {
		h.t.Fatal(err)
	}
	return hash
}

func (h *house) backup(to string, keep int) Made {
	h.t.Helper()
	made, err := Make(h.t.Context(), to, h.src, keep, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return made
}

func kept(t *testing.T, to string) (hashes []string) {
	t.Helper()
	err := files.LookFolder(filepath.Join(to, "blobs")).List(t.Context(), func(s files.Stored) error { hashes = append(hashes, s.Hash); return nil })
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(hashes)
	return hashes
}

func right(t *testing.T, to string) {
	t.Helper()
	if e, err := Verify(t.Context(), to, "", nil); err != nil || e.Wrong != nil {
		t.Errorf("verify: %v, %v", e.Wrong, err)
	}
}

func target(t *testing.T) (Target, *files.Folder) {
	t.Helper()
	data := t.TempDir()
	folder := files.LookFolder(filepath.Join(data, "files"))
	return Target{Folder: data, Database: filepath.Join(data, "neochat.db"), Blobs: func(context.Context) (Blobs, error) { return files.OpenFolder(filepath.Join(data, "files")) }}, folder
}

// Generations share what they have in common, and old ones go with what only they needed.
func TestGenerations(t *testing.T) {
	h, to := newHouse(t), filepath.Join(t.TempDir(), "a", "backup")
	first, second := h.put("first"), h.put("second")
	if made := h.backup(to, 2); made.Copied != 2 || made.Blobs != 2 || made.Bytes != 11 {
		t.Errorf("the first: %+v", made)
	}
	if made := h.backup(to, 2); made.Copied != 0 || made.Blobs != 2 || made.Removed != nil {
		t.Errorf("the second: %+v", made)
	}
	third := h.put("third")
	stray, _, err := files.LookFolder(filepath.Join(to, "blobs")).Put(t.Context(), strings.NewReader("of a backup that was cut off"))
	if err != nil {
		t.Fatal(err)
	}
	made := h.backup(to, 2)
	if made.Copied != 1 || len(made.Removed) != 1 || made.Freed != 1 {
		t.Errorf("the third: %+v", made)
	}
	want := []string{first, second, third}
	slices.Sort(want)
	if got := kept(t, to); !slices.Equal(got, want) || slices.Contains(got, stray) {
		t.Errorf("kept are %v, want %v", got, want)
	}
	right(t, to)
}

// Where the list of a snapshot that stays cannot be read, nothing that it may need is removed.
func TestPruneRemovesNothingInDoubt(t *testing.T) {
	for _, name := range []string{manifestName, blobsName} {
		h, to := newHouse(t), t.TempDir()
		h.put("first")
		h.backup(to, 0)
		second := h.backup(to, 0)
		h.put("second")
		path := filepath.Join(to, "snapshots", second.Name, name)
		if err := os.Truncate(path, 10); err != nil {
			t.Fatal(err)
		}
		if _, err := Make(t.Context(), to, h.src, 2, nil); err == nil || !strings.Contains(err.Error(), "no files were removed") {
			t.Errorf("%s is cut: %v", name, err)
		}
		if n := len(kept(t, to)); n != 2 {
			t.Errorf("%d files are left", n)
		}
	}
}

// What else belongs to the server comes back with its mode; links and what is not there are passed over.
func TestBeside(t *testing.T) {
	h, to := newHouse(t), t.TempDir()
	for name, text := range map[string]string{"relay.key": "secret", "certificates/a/key.pem": "key", "lock": "", "control": "x", "calls.json": "{}"} {
		path := filepath.Join(h.data, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/etc/hostname", filepath.Join(h.data, "certificates", "link")); err != nil {
		t.Fatal(err)
	}
	h.backup(to, 0)
	at, _ := target(t)
	if _, err := Restore(t.Context(), to, "", at, nil); err != nil {
		t.Fatal(err)
	}
	var found []string
	err := filepath.WalkDir(at.Folder, func(path string, d fs.DirEntry, err error) error {
		if rel, _ := filepath.Rel(at.Folder, path); err == nil && !d.IsDir() {
			found = append(found, rel)
			if info, err := d.Info(); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s has mode %v, %v", rel, info.Mode(), err)
			}
		}
		return err
	})
	if want := []string{"certificates/a/key.pem", "neochat.db", "relay.key"}; err != nil || !slices.Equal(found, want) {
		t.Errorf("restored are %v, want %v; %v", found, want, err)
	}
}

// One works on a folder at a time; those who only read do not disturb each other.
func TestBusy(t *testing.T) {
	h, to := newHouse(t), t.TempDir()
	h.backup(to, 0)
	reading, err := openFolder(to, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Make(t.Context(), to, h.src, 0, nil); !errors.Is(err, ErrBusy) {
		t.Errorf("while another reads: %v", err)
	}
	right(t, to)
	reading.close()
	writing, err := openFolder(to, true)
	if err != nil {
		t.Fatal(err)
	}
	defer writing.close()
	if _, err := Verify(t.Context(), to, "", nil); !errors.Is(err, ErrBusy) {
		t.Errorf("while another writes: %v", err)
	}
}

// A place that fails midway fails the backup, which leaves nothing; the next one has it all.
func TestStorageFailsMidway(t *testing.T) {
	h, to := newHouse(t), t.TempDir()
	for n := range 10 {
		h.put(fmt.Sprint("body ", n))
	}
	away := errors.New("the store is away")
	failing := h.src
	failing.Blobs = &failingBlobs{Folder: h.files, left: 5, err: away}
	if _, err := Make(t.Context(), to, failing, 0, nil); !errors.Is(err, away) {
		t.Errorf("it says %v", err)
	}
	if entries, err := os.ReadDir(filepath.Join(to, "snapshots")); err != nil || len(entries) != 0 {
		t.Errorf("%v are left, %v", entries, err)
	}
	if made := h.backup(to, 0); made.Copied != 5 || made.Blobs != 10 {
		t.Errorf("the next one: %+v", made)
	}
	right(t, to)

	at, _ := target(t)
	blobs := at.Blobs
	at.Blobs = func(ctx context.Context) (Blobs, error) {
		to, err := blobs(ctx)
		return &failingPuts{Blobs: to, left: 3, err: away}, err
	}
	if _, err := Restore(t.Context(), to, "", at, nil); !errors.Is(err, away) {
		t.Errorf("restoring says %v", err)
	}
	if name, err := Restoring(at.Folder); name == "" || err != nil {
		t.Errorf("nobody is told that it is half restored: %v", err)
	}
	at.Blobs = blobs
	r, err := Restore(t.Context(), to, "", at, nil)
	if err != nil || r.Copied != 7 {
		t.Errorf("it continued with %d files, %v", r.Copied, err)
	}
	if name, err := Restoring(at.Folder); name != "" || err != nil {
		t.Errorf("complete, it is still marked: %q %v", name, err)
	}
	if _, err := Restore(t.Context(), to, "", at, nil); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("over what is there: %v", err)
	}
}

type failingBlobs struct {
	*files.Folder
	left int
	err  error
}

// Open fails after a number of them.
func (f *failingBlobs) Open(ctx context.Context, hash string) (io.ReadSeekCloser, error) {
	if f.left--; f.left < 0 {
		return nil, f.err
	}
	return f.Folder.Open(ctx, hash)
}

type failingPuts struct {
	Blobs
	left int
	err  error
}

// Put fails after a number of them.
func (f *failingPuts) Put(ctx context.Context, r io.Reader) (string, int64, error) {
	if f.left--; f.left < 0 {
		return "", 0, f.err
	}
	return f.Blobs.Put(ctx, r)
}

// A half restored folder takes no other snapshot.
func TestRestoreOfAnotherSnapshot(t *testing.T) {
	h, to := newHouse(t), t.TempDir()
	first := h.backup(to, 0)
	time.Sleep(2 * time.Millisecond)
	h.backup(to, 0)
	at, _ := target(t)
	if err := os.WriteFile(filepath.Join(at.Folder, marker), []byte(first.Name+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(t.Context(), to, "", at, nil); !errors.Is(err, ErrNotEmpty) || !strings.Contains(err.Error(), first.Name) {
		t.Errorf("the newest: %v", err)
	}
	if r, err := Restore(t.Context(), to, first.Name, at, nil); err != nil || r.Name != first.Name {
		t.Errorf("the one it was begun with: %v", err)
	}
	for _, name := range []string{"../x", "2020-01-01T000000.000Z", "x"} {
		at, _ := target(t)
		if _, err := Restore(t.Context(), to, name, at, nil); err == nil {
			t.Errorf("%q was restored", name)
		}
	}
}

// A manifest cannot name files outside its snapshot.
func TestManifestNamesFilesElsewhere(t *testing.T) {
	h, to := newHouse(t), t.TempDir()
	if err := os.WriteFile(filepath.Join(h.data, "relay.key"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	made := h.backup(to, 0)
	path := filepath.Join(to, "snapshots", made.Name, manifestName)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.ReplaceAll(text, []byte("data/relay.key"), []byte("data/../../../../x")), 0o600); err != nil {
		t.Fatal(err)
	}
	at, _ := target(t)
	if _, err := Restore(t.Context(), to, "", at, nil); !errors.Is(err, ErrDamaged) {
		t.Errorf("it says %v", err)
	}
}

func FuzzBlobLine(f *testing.F) {
	f.Add("abc 12")
	f.Add(" 1")
	f.Fuzz(func(t *testing.T, line string) {
		if b, err := parseBlob(line); err == nil && (b.Hash == "" || b.Size < 0) {
			t.Errorf("%q is read as %+v", line, b)
		}
	})
}
