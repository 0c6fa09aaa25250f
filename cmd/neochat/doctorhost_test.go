package main

import (
	"context"
	"database/sql"
	"log/slog"
	"path/filepath"
	"testing"

	_ "modernc.org/sqlite"

	"neochat/store"
)

func TestPlaceOf(t *testing.T) {
	for name, want := range map[string]string{
		"mysql://ann:se@cret@db:3306/chat": "mysql://db:3306/chat",
		"mysql://db/chat":                  "mysql://db/chat",
		"/var/lib/neochat/neochat.db":      "/var/lib/neochat/neochat.db",
	} {
		if got := placeOf(name); got != want {
			t.Errorf("%s is shown as %s, want %s", name, got, want)
		}
	}
}

// TestLookDatabase goes from no database to one that is too new.
func TestLookDatabase(t *testing.T) {
	data := t.TempDir()
	var c doctorCommand
	c.Data = data
	look := func(want string) {
		t.Helper()
		if got := c.lookDatabase(t.Context(), "root"); got.Fault != want {
			t.Errorf("%+v, want %q", got, want)
		}
	}
	look("")
	s, err := openStore(context.Background(), store.Config{}, data, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	look("") // beside a server
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(data, "neochat.db"))
	if err == nil {
		_, err = db.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)")
		db.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	look("database-newer")
	c.Database = "mysql://ann:secret@127.0.0.1:1/chat"
	look("database-unreachable")
}
