package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"neochat/store/mariadbtest"
)

var silent = slog.New(slog.DiscardHandler)

// fill writes something into every table that a server fills, and returns the store's two conversations.
func fillForCopy(t *testing.T, s *Store, messages int) (pair, group int64) {
	t.Helper()
	addUsers(t, s, "a", "b", "c", "Ünïcode 用户")
	if _, err := s.CreateSession(t.Context(), "a", "phone"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PutFile(t.Context(), File{Name: "a_1_x.png", Owner: "a", Hash: "h", ContentType: "image/png", Size: 7}); err != nil {
		t.Fatal(err)
	}
	pair = post1(t, s, Draft{Author: "a", To: []Target{{Account: "b"}}, Kind: "text", Text: "你好 \\ 'quoted' \"x\"\n ", Files: []string{"a_1_x.png"}, ClientID: "1 "}).Conversation
	g, _, err := s.groupWait(Group{Name: "名", Founder: "a", Introduction: "about"}, "b", "c")
	if err != nil {
		t.Fatal(err)
	}
	drafts := make(chan error, messages)
	for n := range messages {
		d := Draft{Author: "b", To: []Target{{Group: g.ID}}, Kind: "text", Text: strings.Repeat("x", n%300), ClientID: fmt.Sprint(n), Carry: []byte(`{"n":1}`)}
		s.Post(d, func(_ []Posted, err error) { drafts <- err })
	}
	for range messages {
		if err := <-drafts; err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.leaveWait("c", g.ID); err != nil {
		t.Fatal(err)
	}
	s.Delivered("b", "", 3)
	if _, err := s.markWait("b", pair, 1); err != nil {
		t.Fatal(err)
	}
	return pair, g.Conversation
}

// copyBases names an empty database of each kind.
func copyBases(t *testing.T) (sqlite, mariadb string) {
	t.Helper()
	if testing.Short() && !databases.MariaDB() {
		t.Skip("starts a MariaDB")
	}
	server := mariadbtest.New(t, false)
	return filepath.Join(t.TempDir(), "neochat.db"), server.URL("chat")
}

// seen is what people see in a database.
func seen(t *testing.T, s *Store, pair, group int64) any {
	t.Helper()
	var all []any
	for _, account := range []string{"a", "b", "c"} {
		u, err1 := s.User(t.Context(), account)
		_, err2 := s.CheckPassword(t.Context(), account, "password of "+account)
		conversations, err3 := s.Conversations(t.Context(), account, 0, 100)
		undelivered, err4 := waiting(t, s, account, "")
		if err := errors.Join(err1, err2, err3, err4); err != nil {
			t.Fatal(err)
		}
		all = append(all, u, conversations, undelivered, history(t, s, account, group))
	}
	file, err := s.ReadableFile(t.Context(), "b", "a_1_x.png")
	if err != nil {
		t.Fatal(err)
	}
	return append(all, file, history(t, s, "b", pair))
}

func closeStore(t *testing.T, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func mustCopy(t *testing.T, from, to string) []CopiedTable {
	t.Helper()
	tables, err := Copy(t.Context(), CopyConfig{From: from, To: to, Logger: silent})
	if err != nil {
		t.Fatal(err)
	}
	return tables
}

// A database goes to MariaDB and back, cut off after each piece, and people see no difference.
func TestCopyThereAndBack(t *testing.T) {
	first, there := copyBases(t)
	back := filepath.Join(t.TempDir(), "back.db")
	s := openAt(t, first)
	pair, group := fillForCopy(t, s, 2*copyPiece+17)
	want := seen(t, s, pair, group)
	closeStore(t, s)
	for _, way := range [][2]string{{first, there}, {there, back}} {
		cuts := cutCopy(t, way[0], way[1])
		if cuts < 10 {
			t.Errorf("cut off only %d times", cuts)
		}
		s := openAt(t, way[1])
		if got := seen(t, s, pair, group); !reflect.DeepEqual(got, want) {
			t.Errorf("people see another %s:\n%v\nwant\n%v", s.Place(), got, want)
		}
		closeStore(t, s)
	}
	continues(t, openAt(t, back), pair, group, 2*copyPiece+17)
}

// cutCopy ends the copy after one piece more each time, until it succeeds.
func cutCopy(t *testing.T, from, to string) (cuts int) {
	t.Helper()
	var before []string
	for {
		ctx, cut := context.WithCancel(t.Context())
		var steps []string
		tables, err := Copy(ctx, CopyConfig{From: from, To: to, Logger: silent, Progress: func(table string, rows, of int64) {
			steps = append(steps, fmt.Sprint(table, rows, of))
			if rows > 0 && !slices.Contains(before, steps[len(steps)-1]) {
				cut()
			}
		}})
		cut()
		before = append(before, steps...)
		if err == nil {
			for _, table := range tables {
				if table.From != table.To || table.FromRows != table.ToRows || table.From == "" {
					t.Errorf("%+v", table)
				}
			}
			return cuts
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		cuts++
		if _, err := Open(t.Context(), Config{Database: to, PasswordCost: cheap, Logger: silent}); !errors.Is(err, ErrHalfCopied) {
			t.Fatalf("half a copy could be opened: %v", err)
		}
	}
}

// continues checks that numbers go on where they were.
func continues(t *testing.T, s *Store, pair, group int64, messages int) {
	t.Helper()
	defer s.Close()
	var change int64
	if err := s.row(t.Context(), qChange).Scan(&change); err != nil {
		t.Fatal(err)
	}
	again := post1(t, s, Draft{Author: "b", To: []Target{{Conversation: group}}, Kind: "text", ClientID: "0", Carry: []byte(`{"n":1}`)})
	if !again.Repeated {
		t.Error("a resent message was stored again")
	}
	p := post1(t, s, Draft{Author: "b", To: []Target{{Conversation: group}}, Kind: "text", Text: "after the move"})
	if p.Seq != int64(messages)+3 || p.Change <= change { // the group's creation, and that c left
		t.Errorf("the next message is %+v after change %d", p.Message, change)
	}
	if p := send(t, s, "c", "a", "hello"); p.Conversation <= max(pair, group) || p.Seq != 1 {
		t.Errorf("a new conversation is %+v", p.Message)
	}
}

func TestCopyIsRefused(t *testing.T) {
	source, target := copyBases(t)
	s := openAt(t, source)
	fillForCopy(t, s, 3)
	refused := func(what, from, to string, want error) {
		t.Helper()
		if _, err := Copy(t.Context(), CopyConfig{From: from, To: to, Logger: silent}); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	refused("a source that is open", source, target, ErrInUse)
	closeStore(t, s)
	refused("the same", source, source, ErrConflict)
	refused("no source", filepath.Join(t.TempDir(), "nothing.db"), target, ErrNotFound)

	other := filepath.Join(t.TempDir(), "other.db")
	s = openAt(t, other)
	addUsers(t, s, "z")
	closeStore(t, s)
	refused("a target with data", source, other, ErrConflict)

	ctx, cut := context.WithCancel(t.Context())
	_, err := Copy(ctx, CopyConfig{From: source, To: target, Logger: silent, Progress: func(string, int64, int64) { cut() }})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	refused("another's half copy", other, target, ErrConflict)
	mustCopy(t, source, target)
	refused("a copy that is complete", source, target, ErrConflict)

	s, err = Open(t.Context(), Config{Database: target, Exclusive: true, PasswordCost: cheap, Logger: silent})
	if err != nil {
		t.Fatal(err)
	}
	refused("a source that a server uses", target, filepath.Join(t.TempDir(), "new.db"), ErrInUse)
	closeStore(t, s)

	old := filepath.Join(t.TempDir(), "old.db")
	if err := prepareFile(old); err != nil {
		t.Fatal(err)
	}
	if err := migrate(t.Context(), sqliteDialect(old), 1, silent); err != nil {
		t.Fatal(err)
	}
	refused("an older source", old, filepath.Join(t.TempDir(), "new.db"), ErrOlderSchema)
}

// What is added to the schema must be copied, or be among what is not for a reason.
func TestCopyLeavesNoTableOut(t *testing.T) {
	known := []string{"counters", "message_words", "messages_to_index"} // the first by itself, the others are made anew
	for _, table := range copiedTables {
		known = append(known, table.name)
	}
	slices.Sort(known)
	var all []string
	for _, c := range columns(t, "migrations/mysql") {
		name, _, _ := strings.Cut(c, " ")
		all = append(all, name)
	}
	all = slices.Compact(append(all, "message_words"))
	slices.Sort(all)
	if !slices.Equal(all, known) {
		t.Errorf("the schema has %q\nCopy knows %q", all, known)
	}
}

func TestDigestsTellRowsApart(t *testing.T) {
	source, target := copyBases(t)
	s := openAt(t, source)
	fillForCopy(t, s, 3)
	closeStore(t, s)
	c := &copier{progress: func(table string, rows, _ int64) {}}
	defer c.close()
	if err := c.open(t.Context(), CopyConfig{From: source, To: target, Logger: silent}); err != nil {
		t.Fatal(err)
	}
	if err := c.copyAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.to.ExecContext(t.Context(), "UPDATE messages SET message = CONCAT(message, ' ') WHERE seq = 1"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.compareAll(t.Context()); !errors.Is(err, ErrConflict) || !strings.Contains(err.Error(), "differs in messages:") {
		t.Errorf("a changed message: %v", err)
	}
}
