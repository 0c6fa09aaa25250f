package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

// later is when everything that is loose now has been so for long.
func later() time.Time { return time.Now().Add(time.Hour) }

// collectAll collects until nothing is left to look at, and returns how many files were deleted.
func collectAll(t *testing.T, s *Store) (deleted int) {
	t.Helper()
	for {
		looked, n, err := s.CollectFiles(t.Context(), later())
		if err != nil {
			t.Fatal(err)
		}
		if deleted += n; looked == 0 {
			return deleted
		}
	}
}

// loose tells which files are known to be referred to by nothing.
func loose(t *testing.T, s *Store) (names []string) {
	t.Helper()
	rows, err := s.readDB.QueryContext(t.Context(), "SELECT name FROM files WHERE loose_since IS NOT NULL ORDER BY name")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

func TestWhatRefersToFiles(t *testing.T) {
	s := openNew(t, "a", "b")
	g, _, err := s.groupWait(Group{Name: "g", Founder: "a"}, "b")
	if err != nil {
		t.Fatal(err)
	}
	putFiles(t, s, "a", "f1", "f2", "f3", "f4")
	want := func(what string, names ...string) {
		t.Helper()
		if got := loose(t, s); !slices.Equal(got, names) {
			t.Errorf("%s: loose are %q, want %q", what, got, names)
		}
	}
	want("uploaded", "f1", "f2", "f3", "f4")
	text := func(files ...string) Posted {
		return post1(t, s, Draft{Author: "a", To: []Target{{Account: "b"}}, Kind: KindText, Text: fmt.Sprint(files), Files: files})
	}
	first, second := text("f1", "f2"), text("f1")
	want("named", "f3", "f4")
	edit := func(p Posted, files ...string) {
		t.Helper()
		if _, err := s.editWait(Edit{By: "a", Place: Place{p.Conversation, p.Seq}, Text: fmt.Sprint("edited", files), Files: files}); err != nil {
			t.Fatal(err)
		}
	}
	edit(first, "f3")
	want("named by an edit", "f2", "f4")
	if _, err := s.deleteWait("a", Place{second.Conversation, second.Seq}, true); err != nil {
		t.Fatal(err)
	}
	want("deleted for all", "f1", "f2", "f4")
	if _, err := s.deleteWait("b", Place{first.Conversation, first.Seq}, false); err != nil {
		t.Fatal(err)
	}
	want("deleted by one for itself", "f1", "f2", "f4")
	avatar := func(name string) {
		t.Helper()
		_, err := wait(func(done func(int64, error)) { s.SetProfile("a", map[string]string{"avatar": name}, done) })
		if err != nil {
			t.Fatal(err)
		}
	}
	avatar("f1")
	want("an avatar", "f2", "f4")
	avatar("f1")
	want("the same avatar", "f2", "f4")
	if _, err := wait(func(done func(int64, error)) { s.SetProfile("a", map[string]string{"user_name": "x"}, done) }); err != nil {
		t.Fatal(err)
	}
	want("another name", "f2", "f4")
	avatar("f2")
	want("another avatar", "f1", "f4")
	describe := func(name string) {
		t.Helper()
		if _, err := s.describeWait("a", g.ID, Description{Avatar: &name}); err != nil {
			t.Fatal(err)
		}
	}
	describe("f4")
	want("a group's avatar", "f1")
	describe("f2")
	want("a group's avatar that is somebody's too", "f1", "f4")
	avatar("")
	want("no avatar", "f1", "f4")
	if n := collectAll(t, s); n != 2 {
		t.Errorf("%d were collected, want 2", n)
	}
	if _, err := s.dissolveWait("a", g.ID); err != nil {
		t.Fatal(err)
	}
	want("its group dissolved", "f2")
	putFiles(t, s, "b", "g1")
	if _, err := wait(func(done func(int64, error)) { s.SetProfile("b", map[string]string{"avatar": "g1"}, done) }); err != nil {
		t.Fatal(err)
	}
	want("b's avatar", "f2")
	if err := s.DeleteAccount(t.Context(), "b", func([]Posted) {}, func([]FriendEvent) {}); err != nil {
		t.Fatal(err)
	}
	want("b deleted", "f2", "g1")
}

// The mark is a hint: what is marked and referred to stays, and is marked no more.
func TestCollectLooksAtTheTruth(t *testing.T) {
	s := openNew(t, "a", "b")
	putFiles(t, s, "a", "named", "avatar", "loose")
	post1(t, s, Draft{Author: "a", To: []Target{{Account: "b"}}, Kind: KindText, Text: "x", Files: []string{"named"}})
	if _, err := wait(func(done func(int64, error)) { s.SetProfile("a", map[string]string{"avatar": "avatar"}, done) }); err != nil {
		t.Fatal(err)
	}
	if _, err := s.writer.conn.ExecContext(t.Context(), "UPDATE files SET loose_since = 1 WHERE loose_since IS NULL"); err != nil {
		t.Fatal(err)
	}
	if looked, deleted, err := s.CollectFiles(t.Context(), time.UnixMilli(0)); err != nil || looked != 0 || deleted != 0 {
		t.Errorf("too early: %d, %d, %v", looked, deleted, err)
	}
	if n := collectAll(t, s); n != 1 {
		t.Errorf("%d were collected, want 1", n)
	}
	if got := loose(t, s); got != nil {
		t.Errorf("loose are %q", got)
	}
	if _, err := s.ReadableFile(t.Context(), "b", "named"); err != nil {
		t.Error(err)
	}
	if _, err := s.ReadableFile(t.Context(), "a", "loose"); !errors.Is(err, ErrNotFound) {
		t.Errorf("the loose one: %v", err)
	}
}

// take is TakeGarbage of all there is, sorted.
func take(t *testing.T, s *Store) []string {
	t.Helper()
	hashes, err := s.TakeGarbage(t.Context(), later())
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(hashes)
	return hashes
}

func TestGarbage(t *testing.T) {
	s := openNew(t, "a", "b")
	put := func(owner, name, hash, preview string) error {
		_, err := s.PutFile(t.Context(), File{Name: name, Owner: owner, Hash: hash, Preview: preview, Size: 1})
		return err
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(put("a", "f1", "shared", "p1"))
	must(put("b", "f2", "shared", ""))
	must(put("a", "f3", "own", "p3"))
	must(put("a", "f4", "p3", "")) // the preview of f3 is a file of its own too
	must(s.DropFile(t.Context(), "a", "f1"))
	must(s.DropFile(t.Context(), "a", "f3"))
	if hashes, err := s.TakeGarbage(t.Context(), time.Now().Add(-time.Hour)); err != nil || hashes != nil {
		t.Errorf("too early: %q, %v", hashes, err)
	}
	must(put("b", "f5", "own", "")) // it comes back before it is removed
	if got := take(t, s); !slices.Equal(got, []string{"p1"}) {
		t.Errorf("garbage is %q", got)
	}
	for _, what := range [][2]string{{"p1", ""}, {"x", "p1"}} {
		if err := put("a", "late", what[0], what[1]); !errors.Is(err, ErrBeingRemoved) {
			t.Errorf("bytes that are being removed: %v", err)
		}
	}
	if _, err := s.ReadableFile(t.Context(), "a", "late"); !errors.Is(err, ErrNotFound) {
		t.Errorf("what was refused: %v", err)
	}
	if got := take(t, s); !slices.Equal(got, []string{"p1"}) {
		t.Errorf("taken again: %q", got)
	}
	must(s.GarbageRemoved(t.Context(), []string{"p1"}))
	must(put("a", "late", "p1", ""))
	if got := take(t, s); len(got) != 0 {
		t.Errorf("garbage is %q", got)
	}
	if n, err := s.DiscardUnknown(t.Context(), []string{"p1", "shared", "p3", "nobody's", "own"}); err != nil || n != 1 {
		t.Errorf("%d are unknown, %v", n, err)
	}
	if got := take(t, s); !slices.Equal(got, []string{"nobody's"}) {
		t.Errorf("garbage is %q", got)
	}
	if n, err := s.DiscardUnknown(t.Context(), []string{"nobody's"}); err != nil || n != 0 {
		t.Errorf("%d are unknown, %v: it is on its way out", n, err)
	}
}

// A file that came again is loose from then on, not since it first came.
func TestAFileThatCameAgainIsNotOld(t *testing.T) {
	s := openNew(t, "a")
	putFiles(t, s, "a", "f")
	if _, err := s.writer.conn.ExecContext(t.Context(), "UPDATE files SET loose_since = 1"); err != nil {
		t.Fatal(err)
	}
	putFiles(t, s, "a", "f")
	if looked, _, err := s.CollectFiles(t.Context(), time.Now().Add(-time.Minute)); err != nil || looked != 0 {
		t.Errorf("looked at %d, %v", looked, err)
	}
}

// More than one piece is collected, and what is posted meanwhile keeps its files.
func TestCollectAmongPosts(t *testing.T) {
	s := openNew(t, "a", "b")
	const files = 3 * garbagePiece
	for i := range files {
		putFiles(t, s, "a", fmt.Sprint("f", i))
	}
	answers := make(chan error, files)
	for i := range files {
		if i%3 == 0 {
			name := fmt.Sprint("f", i)
			s.Post(Draft{Author: "a", To: []Target{{Account: "b"}}, Kind: KindText, Text: name, Files: []string{name}}, func(_ []Posted, err error) { answers <- err })
		}
		if i%50 == 0 {
			if _, _, err := s.CollectFiles(t.Context(), later()); err != nil {
				t.Fatal(err)
			}
		}
	}
	refused := 0
	for range files / 3 {
		if err := <-answers; errors.Is(err, ErrForbidden) {
			refused++
		} else if err != nil {
			t.Fatal(err)
		}
	}
	collectAll(t, s)
	var left, granted int
	left = count(t, s.readDB, "SELECT COUNT(*) FROM files")
	granted = count(t, s.readDB, "SELECT COUNT(*) FROM file_grants r JOIN files f ON f.name = r.file")
	if left != files/3-refused || granted != left {
		t.Errorf("%d files are left, %d of them named, %d texts were refused", left, granted, refused)
	}
}

// Whoever gives up while the writer is at it gets nothing of what it makes, and shares nothing with it.
func TestTakeGarbageGivenUp(t *testing.T) {
	s := openNew(t, "a")
	for i := range 50 {
		hash := fmt.Sprintf("%064x", i)
		if err := s.write(t.Context(), func(b *batch) error { return b.discard(hash) }); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		go cancel()
		if hashes, err := s.TakeGarbage(ctx, time.Now().Add(time.Hour)); err != nil && (hashes != nil || !errors.Is(err, context.Canceled)) {
			t.Fatalf("%d, %v", len(hashes), err)
		}
	}
	hashes, err := s.TakeGarbage(t.Context(), time.Now().Add(time.Hour))
	if err != nil || len(hashes) == 0 {
		t.Errorf("%d, %v", len(hashes), err)
	}
}
