package store

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"testing"

	"go.uber.org/goleak"

	"neochat/store/mariadbtest"
)

// databases are what the tests run on: SQLite's or, by NEOCHAT_TEST_DATABASE, MariaDB's.
var databases = mariadbtest.Databases{Migrate: func(path string) error {
	s, err := Open(context.Background(), Config{Database: path, PasswordCost: cheap, Logger: silent})
	if err != nil {
		return err
	}
	return s.Close()
}}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.Cleanup(databases.Exit)) }

// sqliteOnly passes over a test of what only a file can have.
func sqliteOnly(t *testing.T) {
	if databases.MariaDB() {
		t.Skip("about SQLite's file")
	}
}

// cheap hashes passwords fast; good for tests only.
var cheap = PasswordCost{Memory: 64, Passes: 1, Parallelism: 1}

func openAt(t testing.TB, database string) *Store {
	t.Helper()
	s, err := Open(t.Context(), Config{Database: database, PasswordCost: cheap, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func openNew(t testing.TB, accounts ...string) *Store {
	t.Helper()
	s := openAt(t, databases.Fresh(t))
	addUsers(t, s, accounts...)
	return s
}

func addUsers(t testing.TB, s *Store, accounts ...string) {
	t.Helper()
	for _, a := range accounts {
		if err := s.CreateUser(t.Context(), User{Account: a, Name: "name of " + a}, "password of "+a); err != nil {
			t.Fatal(err)
		}
	}
}

// The calls with callbacks, waited for.

func (s *Store) postWait(d Draft) ([]Posted, error) {
	return wait(func(done func([]Posted, error)) { s.Post(d, done) })
}

func (s *Store) markWait(account string, conversation, seq int64) (int64, error) {
	w, err := s.watermarkWait(account, conversation, Watermark{Read: seq})
	return w.Read, err
}

func (s *Store) watermarkWait(account string, conversation int64, to Watermark) (Watermark, error) {
	return wait(func(done func(Watermark, error)) { s.Mark(account, conversation, to, nil, done) })
}

func (s *Store) editWait(e Edit) (Amended, error) {
	return wait(func(done func(Amended, error)) { s.Edit(e, done) })
}

func (s *Store) deleteWait(by string, at Place, all bool) (Amended, error) {
	return wait(func(done func(Amended, error)) { s.Delete(by, at, all, done) })
}

func (s *Store) reactWait(by string, at Place, reaction string, withdraw bool) (Amended, error) {
	return wait(func(done func(Amended, error)) { s.React(by, at, reaction, withdraw, done) })
}

func (s *Store) inviteWait(by, group string, accounts ...string) ([]Posted, error) {
	return wait(func(done func([]Posted, error)) { s.Invite(by, group, accounts, done) })
}

func (s *Store) leaveWait(account, group string) ([]Posted, error) {
	return wait(func(done func([]Posted, error)) { s.LeaveGroup(account, group, done) })
}

func (s *Store) groupWait(g Group, members ...string) (Group, []Posted, error) {
	var record []Posted
	made, err := wait(func(done func(Group, error)) {
		s.CreateGroup(g, members, func(g Group, p []Posted, err error) { record = p; done(g, err) })
	})
	return made, record, err
}

func wait[T any](start func(done func(T, error))) (T, error) {
	type answer struct {
		value T
		err   error
	}
	answers := make(chan answer, 2)
	start(func(v T, err error) { answers <- answer{v, err} })
	a := <-answers
	return a.value, a.err
}

// send posts a text to one account and returns it.
func send(t testing.TB, s *Store, from, to, text string) Posted {
	t.Helper()
	return post1(t, s, Draft{Author: from, To: []Target{{Account: to}}, Kind: "text", Text: text})
}

func post1(t testing.TB, s *Store, d Draft) Posted {
	t.Helper()
	posted, err := s.postWait(d)
	if err != nil {
		t.Fatal(err)
	}
	if len(posted) != 1 {
		t.Fatalf("%d posted, want 1", len(posted))
	}
	return posted[0]
}

func texts(messages []Message) []string {
	all := []string{}
	for _, m := range messages {
		text := m.Text
		if m.Kind == recordKind {
			text = string(m.Carry)
		}
		all = append(all, fmt.Sprintf("%d %s", m.Seq, text))
	}
	return all
}

func history(t testing.TB, s *Store, account string, conversation int64) []string {
	t.Helper()
	messages, _, err := s.History(context.Background(), account, conversation, 0, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return texts(messages)
}

func (s *Store) removeWait(by, group string, accounts ...string) ([]Posted, error) {
	return wait(func(done func([]Posted, error)) { s.RemoveMembers(by, group, accounts, done) })
}

func (s *Store) permitWait(by, group, permissions string, accounts ...string) ([]Posted, error) {
	return wait(func(done func([]Posted, error)) { s.SetPermissions(by, group, accounts, permissions, done) })
}

func (s *Store) describeWait(by, group string, d Description) ([]Posted, error) {
	return wait(func(done func([]Posted, error)) { s.DescribeGroup(by, group, d, done) })
}

func (s *Store) dissolveWait(by, group string) ([]Posted, error) {
	return wait(func(done func([]Posted, error)) { s.DissolveGroup(by, group, done) })
}
