package store

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// columns lists what the migrations of a folder make: "table column", sorted.
func columns(t *testing.T, folder string) (all []string) {
	t.Helper()
	files, err := fs.Glob(migrations, folder+"/*.sql")
	if err != nil || len(files) != newestMigration {
		t.Fatalf("%d migrations in %s, newestMigration is %d (%v)", len(files), folder, newestMigration, err)
	}
	var (
		table  = regexp.MustCompile(`^(?:CREATE|ALTER|CREATE VIRTUAL) TABLE (\w+)`)
		added  = regexp.MustCompile(`ADD COLUMN (\w+)`)
		column = regexp.MustCompile(`^    ([a-z_]+) +[A-Z]`)
	)
	for _, name := range files {
		text, err := fs.ReadFile(migrations, name)
		if err != nil {
			t.Fatal(err)
		}
		up, _, _ := strings.Cut(string(text), "-- +goose Down")
		in := ""
		for line := range strings.Lines(up) {
			if m := table.FindStringSubmatch(line); m != nil {
				in = m[1]
			}
			m := added.FindStringSubmatch(line)
			if m == nil {
				m = column.FindStringSubmatch(line)
			}
			if m != nil && in != "message_words" { // the full-text index is each database's own
				all = append(all, in+" "+m[1])
			}
		}
	}
	slices.Sort(all)
	return all
}

// What is mended in one folder of migrations and not in the other shows here, without a MariaDB.
func TestBothSchemasHaveTheSameColumns(t *testing.T) {
	sqlite, mysql := columns(t, "migrations/sqlite"), columns(t, "migrations/mysql")
	if len(sqlite) < 80 {
		t.Fatalf("found only %d columns: %q", len(sqlite), sqlite)
	}
	for _, c := range sqlite {
		if !slices.Contains(mysql, c) {
			t.Errorf("SQLite has %q, MySQL does not", c)
		}
	}
	for _, c := range mysql {
		if !slices.Contains(sqlite, c) {
			t.Errorf("MySQL has %q, SQLite does not", c)
		}
	}
}

func TestParseMySQL(t *testing.T) {
	for _, c := range []struct{ name, place, user, password, net, addr, database, tls string }{
		{"mysql://neo:s%40c%3A%2Fret@db.example:3307/chat?tls=true", "mysql://neo@db.example:3307/chat", "neo", "s@c:/ret", "tcp", "db.example:3307", "chat", "true"},
		{"mysql://neo:a@b@db.example/chat", "mysql://neo@db.example:3306/chat", "neo", "a@b", "tcp", "db.example:3306", "chat", ""},
		{"mysql://neo@[::1]/chat?tls=skip-verify", "mysql://neo@[::1]:3306/chat", "neo", "", "tcp", "[::1]:3306", "chat", "skip-verify"},
		{"mysql://neo@unix(/run/my sql.sock)/chat", "mysql://neo@unix(/run/my sql.sock)/chat", "neo", "", "unix", "/run/my sql.sock", "chat", ""},
	} {
		cfg, err := parseMySQL(c.name)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if cfg.User != c.user || cfg.Passwd != c.password || cfg.Net != c.net || cfg.Addr != c.addr || cfg.DBName != c.database || cfg.TLSConfig != c.tls {
			t.Errorf("%s is %+v", c.name, cfg)
		}
		if place := mysqlPlace(cfg); place != c.place {
			t.Errorf("%s is shown as %s", c.name, place)
		}
	}
}

func TestABadURLIsExplainedWithoutItsPassword(t *testing.T) {
	for _, name := range []string{
		"mysql://", "mysql://host/name", "mysql://:secret@host/name", "mysql://u:secret@host", "mysql://u:secret@host/",
		"mysql://u:secret%zz@host/name", "mysql://u:secret@ho st/name", "mysql://u:secret@/name", "mysql://u:secret@host:port/name",
		"mysql://u:secret@unix(/path/name", "mysql://u:secret@unix()/name", "mysql://u:secret@host/name?tls=secret",
		"mysql://u:secret@host/name?secret=true", "mysql://u:secret@host/name?%zzsecret",
	} {
		_, err := Open(t.Context(), Config{Database: name, PasswordCost: cheap})
		if err == nil || !strings.Contains(err.Error(), "mysql://user:password@") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
