package store

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"

	"neochat/store/mariadbtest"
)

// ownServer starts a MariaDB that the test may kill, and a store on it.
func ownServer(t *testing.T) (*mariadbtest.Server, *Store) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a MariaDB")
	}
	t.Parallel()
	server := mariadbtest.New(t, true)
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	s, err := Open(t.Context(), Config{Database: server.URL("chat"), Exclusive: true, PasswordCost: cheap, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return server, s
}

// books are what senders were told.
type books struct {
	mu       sync.Mutex
	stored   map[string]Message // guarded by mu; by client id, of what was answered well
	unknown  []string           // guarded by mu; client ids of what was answered ErrUnavailable
	answered atomic.Int64
}

func draftOf(id string) Draft {
	return Draft{Author: "a", To: []Target{{Account: "b"}}, Kind: "text", Text: "text of " + id, ClientID: id}
}

// sendUntilAway keeps several messages under way until one of each slot is refused.
func (b *books) sendUntilAway(t *testing.T, s *Store, round int, answered func(n int64)) {
	var slots sync.WaitGroup
	for slot := range 16 {
		slots.Go(func() {
			for n := 0; ; n++ {
				id := fmt.Sprintf("%d-%d-%d", round, slot, n)
				p, err := s.postWait(draftOf(id))
				b.mu.Lock()
				if err == nil {
					b.stored[id] = p[0].Message
				} else {
					b.unknown = append(b.unknown, id)
				}
				b.mu.Unlock()
				if err != nil {
					if !errors.Is(err, ErrUnavailable) {
						t.Errorf("%s: %v", id, err)
					}
					return
				}
				answered(b.answered.Add(1))
			}
		})
	}
	slots.Wait()
}

// What was answered is there, nothing is there twice, and everything works again without being told to.
func TestAKilledMariaDB(t *testing.T) {
	server, s := ownServer(t)
	addUsers(t, s, "a", "b")
	books := &books{stored: map[string]Message{}}
	for round := range 3 {
		var kill sync.Once
		before := books.answered.Load()
		books.sendUntilAway(t, s, round, func(n int64) {
			if n > before+200 {
				kill.Do(func() {
					if err := server.Kill(); err != nil {
						t.Error(err)
					}
				})
			}
		})
		whileAway(t, s)
		if err := server.Run(); err != nil {
			t.Fatal(err)
		}
		whenBack(t, s, books)
	}
	t.Logf("%d messages over three kills", len(books.stored))
}

func whileAway(t *testing.T, s *Store) {
	t.Helper()
	if _, err := s.User(t.Context(), "a"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("reading while it is away: %v", err)
	}
	if err := s.CreateUser(t.Context(), User{Account: "c"}, "password"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("writing while it is away: %v", err)
	}
	if err := s.Ping(t.Context()); !errors.Is(err, ErrUnavailable) {
		t.Errorf("Ping while it is away: %v", err)
	}
}

func whenBack(t *testing.T, s *Store, b *books) {
	t.Helper()
	if err := s.Ping(t.Context()); err != nil {
		t.Fatalf("it is back, and not used: %v", err)
	}
	if len(b.unknown) == 0 {
		t.Fatal("nothing was under way")
	}
	for _, id := range b.unknown {
		p, err := s.postWait(draftOf(id))
		if err != nil {
			t.Fatalf("sent again: %v", err)
		}
		b.stored[id] = p[0].Message
	}
	b.unknown = nil
	checkStoredOnce(t, s, b)
}

func checkStoredOnce(t *testing.T, s *Store, b *books) {
	t.Helper()
	last, n := int64(0), 0
	for {
		after := last
		if after == 0 {
			after = -1 // from the beginning
		}
		page, more, err := s.History(t.Context(), "b", anyConversation(b), 0, after, 500)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range page {
			if m.Seq != last+1 {
				t.Fatalf("seq %d after %d", m.Seq, last)
			}
			last = m.Seq
			n++
		}
		if !more {
			break
		}
	}
	for id, m := range b.stored {
		again, err := s.postWait(draftOf(id))
		if err != nil || !again[0].Repeated || again[0].Seq != m.Seq || again[0].Change != m.Change {
			t.Fatalf("%s was stored as %d, %d and is now %+v, %v", id, m.Seq, m.Change, again, err)
		}
	}
	if n != len(b.stored) {
		t.Errorf("%d stored, %d answered", n, len(b.stored))
	}
}

func anyConversation(b *books) int64 {
	for _, m := range b.stored {
		return m.Conversation
	}
	return 0
}

// A connection that the server ended while nothing was written costs nobody an error.
func TestAnIdleConnectionThatWasEnded(t *testing.T) {
	server, s := ownServer(t)
	addUsers(t, s, "a", "b")
	for range 3 {
		if err := server.Exec(fmt.Sprintf("KILL %d", s.writer.session)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.postWait(draftOf("")); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOneServerPerDatabase(t *testing.T) {
	server, s := ownServer(t)
	again := Config{Database: server.URL("chat"), Exclusive: true, PasswordCost: cheap, Logger: s.log}
	if _, err := Open(t.Context(), again); !errors.Is(err, ErrInUse) {
		t.Errorf("a second server: %v", err)
	}
	again.Exclusive = false
	beside, err := Open(t.Context(), again)
	if err != nil {
		t.Fatalf("a command beside it: %v", err)
	}
	addUsers(t, beside, "a")
	if err := errors.Join(beside.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	again.Exclusive = true
	after, err := Open(t.Context(), again)
	if err != nil {
		t.Fatalf("once it has ended: %v", err)
	}
	if err := after.Close(); err != nil {
		t.Error(err)
	}
}

// A read-only database is the database's failure, and passes.
func TestAReadOnlyMariaDB(t *testing.T) {
	server, s := ownServer(t)
	for _, statement := range []string{"CREATE USER plain", "GRANT ALL ON chat.* TO plain"} {
		if err := server.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, server.URLFor("plain", "chat"))
	addUsers(t, s, "a", "b")
	for range 2 {
		if err := server.Exec("SET GLOBAL read_only = 1"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.postWait(draftOf("")); !errors.Is(err, ErrUnavailable) || !s.writer.dialect.failed(err) {
			t.Errorf("writing: %v", err)
		}
		if _, err := s.User(t.Context(), "a"); err != nil {
			t.Errorf("reading: %v", err)
		}
		if err := server.Exec("SET GLOBAL read_only = 0"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.postWait(draftOf("")); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	}
}
