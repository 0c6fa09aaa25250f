package store

import (
	"errors"
	"fmt"
	"slices"
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

// infos are what a message tells of its files, by History.
func infos(t *testing.T, s *Store, account string, p Posted) []FileInfo {
	t.Helper()
	page, _, err := s.History(t.Context(), account, p.Conversation, p.Seq+1, p.Seq-1, 1)
	if err != nil || len(page) != 1 {
		t.Fatalf("%+v, %v", page, err)
	}
	return ReadAlong(page[0].Carry).Files
}

func TestMessagesTellWhatTheirFilesAre(t *testing.T) {
	s := openNew(t, "a", "b")
	picture := File{Name: "z", Owner: "a", Hash: "hz", ContentType: "image/png", Size: 7, Width: 640, Height: 480, Preview: "hp"}
	sound := File{Name: "c", Owner: "a", Hash: "hc", ContentType: "audio/mpeg", Size: 8, Duration: 1200}
	for _, f := range []File{picture, sound} {
		if _, err := s.PutFile(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	ofPicture := FileInfo{Name: "z", Size: 7, ContentType: "image/png", Width: 640, Height: 480, Preview: true}
	ofSound := FileInfo{Name: "c", Size: 8, ContentType: "audio/mpeg", Duration: 1200}
	draft := Draft{Author: "a", To: []Target{{Account: "b"}}, Kind: KindText, Text: "z c z", Files: []string{"z", "c", "z"}, ClientID: "1", Carry: []byte(`{"more":1}`), Mentions: []string{"b", "nobody"}}
	p := post1(t, s, draft)
	if got := infos(t, s, "b", p); !slices.Equal(got, []FileInfo{ofPicture, ofSound}) {
		t.Errorf("told: %+v", got)
	}
	if again := post1(t, s, draft); !again.Repeated || again.ID() != p.ID() {
		t.Errorf("sent again: %+v", again)
	}
	at := Place{p.Conversation, p.Seq}
	if _, err := s.editWait(Edit{By: "a", Place: at, Text: "c", Files: []string{"c"}}); err != nil {
		t.Fatal(err)
	}
	if got := infos(t, s, "b", p); !slices.Equal(got, []FileInfo{ofSound}) {
		t.Errorf("after an edit: %+v", got)
	}
	if again := post1(t, s, draft); !again.Repeated {
		t.Errorf("sent again after an edit: %+v", again)
	}
	if _, err := s.editWait(Edit{By: "a", Place: at, Text: "none"}); err != nil {
		t.Fatal(err)
	}
	if got := infos(t, s, "b", p); got != nil {
		t.Errorf("after an edit that names none: %+v", got)
	}
}

// What older releases have stored has no file_info; sent again it is the same all the same.
func TestResendOfAMessageWithoutFileInfo(t *testing.T) {
	s := openNew(t, "a", "b")
	putFiles(t, s, "a", "f", "g")
	draft := Draft{Author: "a", To: []Target{{Account: "b"}}, Kind: KindText, Text: "f", Files: []string{"f"}, ClientID: "1"}
	edited := draft
	edited.ClientID, edited.Files = "2", []string{"g"}
	p, q := post1(t, s, draft), post1(t, s, edited)
	if _, err := s.writer.conn.ExecContext(t.Context(), "UPDATE messages SET carry = NULL WHERE conversation = ?", p.Conversation); err != nil {
		t.Fatal(err)
	}
	if _, err := s.editWait(Edit{By: "a", Place: Place{q.Conversation, q.Seq}, Text: "none"}); err != nil {
		t.Fatal(err)
	}
	for _, d := range []Draft{draft, edited} {
		if again := post1(t, s, d); !again.Repeated {
			t.Errorf("%s: %+v", d.ClientID, again)
		}
	}
}

func TestOwnFiles(t *testing.T) {
	s := openNew(t, "a", "b", "c")
	for i, f := range []struct {
		name string
		size int64
	}{{"large", 900}, {"small", 1}, {"equal1", 50}, {"equal2", 50}, {"equal3", 50}} {
		if _, err := s.PutFile(t.Context(), File{Name: f.name, Owner: "a", Hash: f.name, Size: f.size, Time: int64(1000 - i%3)}); err != nil {
			t.Fatal(err)
		}
	}
	putFiles(t, s, "b", "other")
	list := func(order FileOrder, limit int) (names []string) {
		t.Helper()
		var key int64
		name, more := "", true
		for more {
			var page []OwnFile
			var count int64
			var err error
			page, more, count, err = s.OwnFiles(t.Context(), "a", order, key, name, limit)
			if err != nil || count != 5 || len(page) == 0 {
				t.Fatalf("%+v, %d, %v", page, count, err)
			}
			for i := range page {
				names = append(names, page[i].Name)
			}
			last := &page[len(page)-1]
			key, name = order.Key(&last.File), last.Name
		}
		return names
	}
	for limit := 1; limit < 7; limit++ {
		if got := list(LargestFirst, limit); !slices.Equal(got, []string{"large", "equal3", "equal2", "equal1", "small"}) {
			t.Errorf("by size, %d at a time: %q", limit, got)
		}
		if got := list(LatestFirst, limit); !slices.Equal(got, []string{"large", "equal2", "small", "equal3", "equal1"}) {
			t.Errorf("by time, %d at a time: %q", limit, got)
		}
	}
}

// The message that is told of a file is one that its owner sees: where others passed it on is not for it.
func TestOwnFilesTellsOnlyWhatTheOwnerSees(t *testing.T) {
	s := openNew(t, "a", "b", "c")
	putFiles(t, s, "a", "f")
	at := func() string {
		t.Helper()
		page, _, _, err := s.OwnFiles(t.Context(), "a", LargestFirst, 0, "", 10)
		if err != nil || len(page) != 1 {
			t.Fatalf("%+v, %v", page, err)
		}
		return page[0].Message
	}
	if got := at(); got != "" {
		t.Errorf("named by nothing: %q", got)
	}
	draft := Draft{Author: "a", To: []Target{{Account: "b"}}, Kind: KindText, Text: "f", Files: []string{"f"}}
	first := post1(t, s, draft)
	second := post1(t, s, draft)
	passedOn := draft
	passedOn.Author, passedOn.To = "b", []Target{{Account: "c"}}
	post1(t, s, passedOn)
	if got := at(); got != second.ID() {
		t.Errorf("named by %q, want %q", got, second.ID())
	}
	if _, err := s.deleteWait("a", Place{second.Conversation, second.Seq}, false); err != nil {
		t.Fatal(err)
	}
	if got := at(); got != first.ID() {
		t.Errorf("after the last was hidden: %q, want %q", got, first.ID())
	}
}

func TestDropFile(t *testing.T) {
	s := openNew(t, "a", "b", "c")
	putFiles(t, s, "a", "f")
	p := post1(t, s, Draft{Author: "a", To: []Target{{Account: "b"}}, Kind: KindText, Text: "f", Files: []string{"f"}, ClientID: "1"})
	for account, want := range map[string]error{"b": ErrNotYours, "c": ErrNotFound} {
		if err := s.DropFile(t.Context(), account, "f"); !errors.Is(err, want) {
			t.Errorf("%s: %v", account, err)
		}
	}
	if err := s.DropFile(t.Context(), "a", "nothing"); !errors.Is(err, ErrNotFound) {
		t.Errorf("what is not there: %v", err)
	}
	if err := s.DropFile(t.Context(), "a", "f"); err != nil {
		t.Fatal(err)
	}
	for _, account := range []string{"a", "b"} {
		if _, err := s.ReadableFile(t.Context(), account, "f"); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s reads it: %v", account, err)
		}
	}
	if used, _, err := s.Usage(t.Context(), "a"); err != nil || used != 0 {
		t.Errorf("%d bytes are used, %v", used, err)
	}
	if got := infos(t, s, "b", p); len(got) != 1 || got[0].Name != "f" {
		t.Errorf("its message tells %+v", got)
	}
	again := post1(t, s, Draft{Author: "a", To: []Target{{Account: "b"}}, Kind: KindText, Text: "f", Files: []string{"f"}, ClientID: "1"})
	if !again.Repeated {
		t.Errorf("sent again: %+v", again)
	}
	at := Place{p.Conversation, p.Seq}
	if _, err := s.editWait(Edit{By: "a", Place: at, Text: "f, as it was", Files: []string{"f"}}); err != nil {
		t.Errorf("its message edited, and it still named: %v", err)
	}
	if _, err := s.editWait(Edit{By: "a", Place: at, Text: "g", Files: []string{"g"}}); !errors.Is(err, ErrForbidden) {
		t.Errorf("a file that never was is named: %v", err)
	}
	if _, err := s.deleteWait("a", at, true); err != nil {
		t.Errorf("its message deleted: %v", err)
	}
}

// A message that is being stored with the deletion of its file is stored first, or refused.
func TestDropFileAmongPosts(t *testing.T) {
	s := openNew(t, "a", "b")
	for i := range 20 {
		name := fmt.Sprint("f", i)
		putFiles(t, s, "a", name)
		answers := make(chan error, 2)
		s.Post(Draft{Author: "a", To: []Target{{Account: "b"}}, Kind: KindText, Text: name, Files: []string{name}}, func(_ []Posted, err error) { answers <- err })
		dropped := make(chan error, 1)
		go func() { dropped <- s.DropFile(t.Context(), "a", name) }()
		s.Post(Draft{Author: "b", To: []Target{{Account: "a"}}, Kind: KindText, Text: name, Files: []string{name}}, func(_ []Posted, err error) { answers <- err })
		if err := <-dropped; err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := <-answers; err != nil && !errors.Is(err, ErrForbidden) {
				t.Error(err)
			}
		}
	}
}

func TestSetPreview(t *testing.T) {
	s := openNew(t, "a")
	ctx := t.Context()
	putFiles(t, s, "a", "f", "g")
	f, err := s.SetPreview(ctx, "f", "", "p", 64, 48)
	if err != nil || f.Preview != "p" || f.Width != 64 || f.Height != 48 || !f.HasPreview() {
		t.Errorf("%+v, %v", f, err)
	}
	if got, err := s.ReadableFile(ctx, "a", "f"); err != nil || got != f {
		t.Errorf("read: %+v, %v", got, err)
	}
	if got, err := s.SetPreview(ctx, "f", "", "p", 1, 1); err != nil || got != f {
		t.Errorf("again: %+v, %v", got, err)
	}
	if got, err := s.SetPreview(ctx, "f", "", "q", 1, 1); !errors.Is(err, ErrConflict) || got != f {
		t.Errorf("another: %+v, %v", got, err)
	}
	if got, err := s.SetPreview(ctx, "f", "p", "q", 1, 1); err != nil || got.Preview != "q" || got.Width != 64 {
		t.Errorf("in its place: %+v, %v", got, err)
	}
	if _, err := s.SetPreview(ctx, "h", "", "p", 1, 1); !errors.Is(err, ErrNotFound) {
		t.Errorf("of no file: %v", err)
	}
	garbage, err := s.TakeGarbage(ctx, s.writer.now().Add(1))
	if err != nil || !slices.Equal(garbage, []string{"p"}) {
		t.Errorf("garbage: %q, %v", garbage, err)
	}
	if _, err := s.SetPreview(ctx, "g", "", "p", 1, 1); !errors.Is(err, ErrBeingRemoved) {
		t.Errorf("bytes that are being removed: %v", err)
	}
	if got, err := s.ReadableFile(ctx, "a", "g"); err != nil || got.HasPreview() {
		t.Errorf("it has one nevertheless: %+v, %v", got, err)
	}
	for _, c := range []struct {
		f    File
		want bool
	}{{File{ContentType: "image/png", Width: 3}, true}, {File{ContentType: "image/png"}, false}, {File{ContentType: "video/mp4", Width: 3}, false}, {File{Preview: "p"}, true}} {
		if got := c.f.HasPreview(); got != c.want {
			t.Errorf("%+v: %v", c.f, got)
		}
	}
}
