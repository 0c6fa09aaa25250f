package store

import (
	"bytes"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestOpenExplainsWhatIsWrong(t *testing.T) {
	sqliteOnly(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("this is no database, but it is long enough to be looked at as one ................................................."), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, path, says string }{
		{"no path", "", "no database path"},
		{"no folder", filepath.Join(dir, "missing", "x.db"), "cannot be written"},
		{"folder is a file", filepath.Join(file, "x.db"), "not a directory"},
		{"forbidden folder", "/sys/neochat.db", "cannot be written"},
		{"not a database", file, "not a database"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Open(t.Context(), Config{Database: c.path, PasswordCost: cheap})
			if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), c.path) {
				t.Fatalf("error %v, want one with %q and the path", err, c.says)
			}
		})
	}
}

func TestFilesAreForTheOwnerOnly(t *testing.T) {
	sqliteOnly(t)
	path := filepath.Join(t.TempDir(), "odd name?%41#.db")
	s := openAt(t, path)
	addUsers(t, s, "a")
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%q has mode %v", suffix, info.Mode())
		}
	}
}

func TestNewerSchemaIsRefusedUntouched(t *testing.T) {
	sqliteOnly(t)
	path := filepath.Join(t.TempDir(), "neochat.db")
	s := openAt(t, path)
	if _, err := s.writer.conn.ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (?, 1)", newestMigration+1); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Config{Database: path}); !errors.Is(err, ErrNewerSchema) {
		t.Fatalf("error %v, want ErrNewerSchema", err)
	}
	after, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(before, after) {
		t.Error("the database was changed")
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("files beside it: %v, %v", entries, err)
	}
}

func TestSettings(t *testing.T) {
	sqliteOnly(t)
	s := openNew(t)
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000"} {
		var got string
		if err := s.writer.conn.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %s (%v), want %s", pragma, got, err, want)
		}
	}
	if _, err := s.readDB.ExecContext(t.Context(), "DELETE FROM users"); err == nil {
		t.Error("a reading connection could write")
	}
}

// byWords is how SQLite shows that a full-text index is asked for words or for a row.
var byWords = regexp.MustCompile(`^SCAN message_words VIRTUAL TABLE INDEX [0-9]+:(M|=)`)

// A query that reads a whole table is a query that fails in a year.
func TestNoQueryScans(t *testing.T) {
	sqliteOnly(t)
	s := openNew(t)
	var all []string
	for _, q := range readQueries(s.dialect) {
		all = append(all, q)
	}
	for _, q := range writeQueries(s.dialect) {
		all = append(all, q)
	}
	for _, m := range multiQueries(s.dialect) {
		all = append(all, m.sized(1), m.sized(s.dialect.most))
	}
	for _, q := range all {
		for _, step := range plan(t, s, q) {
			// "v" is qConversations' subquery, the account's own list.
			if strings.HasPrefix(step, "SCAN ") && step != "SCAN v" && !strings.Contains(step, "CONSTANT ROW") && !strings.HasSuffix(step, "VALUES CLAUSE") && !byWords.MatchString(step) {
				t.Errorf("%s\n of %s", step, q)
			}
		}
	}
}

func plan(t *testing.T, s *Store, query string) (steps []string) {
	t.Helper()
	args := make([]any, strings.Count(query, "?"))
	rows, err := s.readDB.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		t.Fatalf("%v: %s", err, query)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	return steps
}

func TestClose(t *testing.T) {
	path := databases.Fresh(t)
	s := openAt(t, path)
	addUsers(t, s, "a", "b")
	const n = 1000
	answers := make(chan error, n)
	for range n {
		s.Post(Draft{Author: "a", To: []Target{{Account: "b"}}, Kind: "text", Text: "x"}, func(_ []Posted, err error) { answers <- err })
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for range n {
		select {
		case err := <-answers:
			if err != nil {
				t.Fatal(err)
			}
		default:
			t.Fatal("Close returned before every callback had run")
		}
	}
	if _, err := os.Stat(path + "-wal"); !databases.MariaDB() && !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the log was left behind, so a connection was not closed: %v", err)
	}
	if _, err := s.postWait(Draft{Author: "a", To: []Target{{Account: "b"}}}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("after Close: %v", err)
	}
	if _, err := s.User(t.Context(), "a"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("reading after Close: %v", err)
	}
	if err := s.Ping(t.Context()); !errors.Is(err, ErrUnavailable) {
		t.Errorf("Ping after Close: %v", err)
	}
}

func TestPing(t *testing.T) {
	s := openNew(t)
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func count(t *testing.T, db *sql.DB, query string, args ...any) (n int) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// As when an operator's command adds an account while the server runs.
func TestTwoProgramsShareADatabase(t *testing.T) {
	path := databases.Fresh(t)
	server, command := openAt(t, path), openAt(t, path)
	addUsers(t, server, "a")
	addUsers(t, command, "b")
	if p := send(t, server, "a", "b", "hello"); p.Seq != 1 {
		t.Errorf("got %+v", p)
	}
	token, err := server.CreateSession(t.Context(), "b", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := command.SetSuspended(t.Context(), "b", true); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Session(t.Context(), token.Token); !errors.Is(err, ErrNotFound) {
		t.Errorf("session of the suspended: %v", err)
	}
	if p := send(t, command, "b", "a", "hello"); p.Seq != 2 || p.Change <= 1 {
		t.Errorf("got %+v", p)
	}
}

func TestNewerSchemaInTheLogIsSeen(t *testing.T) {
	path := databases.Own(t)
	s := openAt(t, path)
	if _, err := s.writer.conn.ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (?, 1)", newestMigration+1); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Config{Database: path}); !errors.Is(err, ErrNewerSchema) {
		t.Fatalf("error %v, want ErrNewerSchema", err)
	}
}

// TestSchema looks at a database that is empty, one that is there, and one that is nowhere.
func TestSchema(t *testing.T) {
	path := databases.Own(t)
	look := func(want int64) {
		t.Helper()
		s, err := LookAtSchema(t.Context(), path)
		if s.Version != want || s.Wanted != newestMigration || err != nil {
			t.Errorf("schema %+v, %v; want %d", s, err, want)
		}
	}
	look(0)
	openAt(t, path)
	look(newestMigration)
	if _, err := LookAtSchema(t.Context(), "mysql://nobody:nothing@127.0.0.1:1/none"); err == nil {
		t.Error("a database that is nowhere has a schema")
	}
}

// What a killed program leaves behind is the files as they are at that moment.
func TestWhatWasAnsweredIsInTheFiles(t *testing.T) {
	sqliteOnly(t)
	path, left := filepath.Join(t.TempDir(), "neochat.db"), filepath.Join(t.TempDir(), "neochat.db")
	s := openAt(t, path)
	addUsers(t, s, "a", "b")
	send(t, s, "a", "b", "answered")
	for _, suffix := range []string{"", "-wal"} {
		data, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(left+suffix, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := history(t, openAt(t, left), "b", 1); len(got) != 1 || got[0] != "1 answered" {
		t.Errorf("found %v", got)
	}
}
