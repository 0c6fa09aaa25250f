package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"neochat/files"
	"neochat/store"
)

// heap is a dump in memory.
type heap struct {
	kept map[string]time.Time
	left []string // of uploads
	away bool
}

func (h *heap) Remove(_ context.Context, hash string) error {
	if h.away {
		return errors.New("away")
	}
	delete(h.kept, hash)
	return nil
}

func (h *heap) List(_ context.Context, each func(files.Stored) error) error {
	for _, hash := range slices.Sorted(maps.Keys(h.kept)) {
		if err := each(files.Stored{Hash: hash, Size: 1, Time: h.kept[hash]}); err != nil {
			return err
		}
	}
	return nil
}

func (h *heap) Strays(_ context.Context, each func(files.Stray) error) error {
	for _, name := range slices.Clone(h.left) {
		if err := each(files.Stray{Name: name}); err != nil {
			return err
		}
	}
	return nil
}

func (h *heap) RemoveStray(_ context.Context, name string) error {
	h.left = slices.DeleteFunc(h.left, func(l string) bool { return l == name })
	return nil
}

// tip is a sweeper with a database and a heap.
type tip struct {
	*sweeper
	t    *testing.T
	heap *heap
}

func newTip(t *testing.T) *tip {
	t.Helper()
	s, err := store.Open(t.Context(), store.Config{Database: filepath.Join(t.TempDir(), "x.db"), Logger: slog.New(slog.DiscardHandler), PasswordCost: store.PasswordCost{Memory: 64, Passes: 1, Parallelism: 1}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, account := range []string{"a", "b"} {
		if err := s.CreateUser(t.Context(), store.User{Account: account}, "password"); err != nil {
			t.Fatal(err)
		}
	}
	h := &heap{kept: map[string]time.Time{}}
	c := &sweeper{store: s, blobs: h, grace: 2 * time.Hour, log: slog.New(slog.DiscardHandler)}
	return &tip{sweeper: c, t: t, heap: h}
}

func (x *tip) put(name, hash string) error {
	x.heap.kept[hash] = time.Now()
	_, err := x.store.PutFile(x.t.Context(), store.File{Name: name, Owner: "a", Hash: hash, Size: 1})
	return err
}

// passAfter makes a pass as if so much time had gone by, and returns what is kept then.
func (x *tip) passAfter(d time.Duration) string {
	x.t.Helper()
	if err := x.pass(x.t.Context(), time.Now().Add(d)); err != nil {
		x.t.Fatal(err)
	}
	return x.keeps()
}

func (x *tip) keeps() string { return strings.Join(slices.Sorted(maps.Keys(x.heap.kept)), " ") }

// name posts a message that names a file.
func (x *tip) name(file string) {
	x.t.Helper()
	posted := make(chan error, 1)
	x.store.Post(store.Draft{Author: "a", To: []store.Target{{Account: "b"}}, Kind: store.KindText, Text: "x", Files: []string{file}}, func(_ []store.Posted, err error) { posted <- err })
	if err := <-posted; err != nil {
		x.t.Fatal(err)
	}
}

func (x *tip) has(name string) bool {
	x.t.Helper()
	_, err := x.store.ReadableFile(x.t.Context(), "a", name)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		x.t.Fatal(err)
	}
	return err == nil
}

func TestWhatNothingRefersToGoes(t *testing.T) {
	x := newTip(t)
	for _, name := range []string{"named", "loose", "again"} {
		if err := x.put(name, "of "+name); err != nil {
			t.Fatal(err)
		}
	}
	x.name("named")
	const all = "of again of loose of named"
	if got := x.passAfter(time.Hour); got != all || !x.has("loose") {
		t.Errorf("after an hour %s is kept", got)
	}
	// Its row goes first. Its bytes wait as long once more, for a backup that has read the row.
	if gone, err := x.collectFiles(t.Context(), time.Now().Add(time.Hour)); err != nil || gone != 2 || x.has("loose") || x.has("again") || !x.has("named") {
		t.Errorf("%d files went, %v", gone, err)
	}
	if got := x.passAfter(time.Hour); got != all {
		t.Errorf("an hour after the rows went %s is kept", got)
	}
	if err := x.put("back", "of again"); err != nil {
		t.Fatal(err)
	}
	x.name("back")
	if got := x.passAfter(3 * time.Hour); got != "of again of named" || !x.has("back") {
		t.Errorf("in the end %s is kept", got)
	}
}

func TestBytesThatCannotBeRemovedNow(t *testing.T) {
	x := newTip(t)
	if err := x.put("loose", "bytes"); err != nil {
		t.Fatal(err)
	}
	x.heap.away = true
	if err := x.pass(t.Context(), time.Now().Add(3*time.Hour)); err == nil {
		t.Error("the store of files is away, and nothing is said")
	}
	if err := x.put("new", "bytes"); !errors.Is(err, store.ErrBeingRemoved) {
		t.Errorf("a file of bytes whose removal has begun: %v", err)
	}
	x.heap.away = false
	if got := x.passAfter(3 * time.Hour); got != "" {
		t.Errorf("%s is kept", got)
	}
	if err := x.put("new", "bytes"); err != nil {
		t.Errorf("after they were removed: %v", err)
	}
}

func TestBytesThatNoFileHas(t *testing.T) {
	x := newTip(t)
	old := time.Now().Add(-48 * time.Hour)
	if err := x.put("file", "of a file"); err != nil {
		t.Fatal(err)
	}
	x.name("file")
	for i := range 3 * walkPiece / 2 {
		x.heap.kept[fmt.Sprint("stray ", i)] = old
	}
	x.heap.kept["of a file"] = old
	x.heap.kept["on its way"] = time.Now().Add(1000 * time.Hour) // young whenever a pass is made here
	x.passAfter(0)
	if n := len(x.heap.kept); n != 3*walkPiece/2+2 {
		t.Errorf("%d are kept: what was found goes after the grace", n)
	}
	x.heap.kept["stray"] = old
	if got := x.passAfter(3 * time.Hour); got != "of a file on its way stray" {
		t.Errorf("%s is kept: it is listed once a day", got)
	}
	x.heap.left = []string{"x", "y"}
	x.passAfter(walkEvery)
	if len(x.heap.left) != 0 {
		t.Errorf("of uploads %v is left", x.heap.left)
	}
	if got := x.passAfter(walkEvery + 3*time.Hour); got != "of a file on its way" {
		t.Errorf("in the end %s is kept", got)
	}
}

// Until it is told to end, it makes pass after pass.
func TestCollectorRuns(t *testing.T) {
	x := newTip(t)
	x.grace = 10 * time.Millisecond
	if err := x.put("loose", "bytes"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { x.run(ctx); close(ended) }()
	for x.has("loose") {
		time.Sleep(5 * time.Millisecond)
	}
	cancel()
	<-ended
}
