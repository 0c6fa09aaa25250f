package store

import (
	"errors"
	"testing"
)

func putFiles(t *testing.T, s *Store, owner string, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := s.PutFile(t.Context(), File{Name: name, Owner: owner, Hash: "hash of " + name, ContentType: "image/png", Size: 3}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPutFile(t *testing.T) {
	s := openNew(t, "a", "b")
	ctx := t.Context()
	f := File{Name: "n", Owner: "a", Hash: "h", ContentType: "text/plain", Size: 1 << 40, Time: 123}
	if got, err := s.PutFile(ctx, f); err != nil || got != f {
		t.Errorf("put: %+v, %v", got, err)
	}
	later := f
	later.Time, later.ContentType = 456, "other"
	if got, err := s.PutFile(ctx, later); err != nil || got != f {
		t.Errorf("the same bytes again: %+v, %v", got, err)
	}
	for name, c := range map[string]struct {
		file File
		want error
	}{
		"other bytes":   {File{Name: "n", Owner: "a", Hash: "H"}, ErrConflict},
		"other owner":   {File{Name: "n", Owner: "b", Hash: "h"}, ErrConflict},
		"unknown owner": {File{Name: "m", Owner: "x", Hash: "h"}, ErrNotFound},
	} {
		if _, err := s.PutFile(ctx, c.file); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got, err := s.PutFile(ctx, File{Name: "now", Owner: "a"}); err != nil || got.Time == 0 {
		t.Errorf("without a time: %+v, %v", got, err)
	}
}

func TestFileRights(t *testing.T) {
	s := openNew(t, "a", "b", "c")
	ctx := t.Context()
	putFiles(t, s, "a", "f")
	readable := func(account string) bool {
		_, err := s.ReadableFile(ctx, account, "f")
		if err != nil && !errors.Is(err, ErrNotFound) {
			t.Fatal(err)
		}
		return err == nil
	}
	name := func(author, to string) error {
		return second(s.postWait(Draft{Author: author, To: []Target{{Account: to}}, Kind: "text", Text: "f", Files: []string{"f", "f"}}))
	}
	if !readable("a") || readable("b") || readable("nobody") {
		t.Error("at first it is the owner's")
	}
	if err := name("b", "c"); !errors.Is(err, ErrForbidden) {
		t.Errorf("b names a file b cannot read: %v", err)
	}
	if err := name("a", "b"); err != nil || !readable("b") || readable("c") {
		t.Errorf("named to b: %v", err)
	}
	if err := name("b", "c"); err != nil || !readable("c") {
		t.Errorf("passed on: %v", err)
	}
	if _, err := s.ReadableFile(ctx, "a", "nothing"); !errors.Is(err, ErrNotFound) {
		t.Errorf("no such file: %v", err)
	}
}
