package mariadbtest

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"sync"
	"testing"
)

// Variable chooses what tests run on: unset or "sqlite", or "mariadb".
const Variable = "NEOCHAT_TEST_DATABASE"

// Databases hands out empty databases of the kind that Variable asks for.
type Databases struct {
	// Migrate makes the tables of a new SQLite database, once: Fresh hands out copies. nil: whoever opens one makes them.
	Migrate func(path string) error

	once     sync.Once
	migrated []byte // SQLite's file with tables; made by once
	failed   error  // of making it

	mu     sync.Mutex
	server *Server  // guarded by mu; started when first needed
	err    error    // guarded by mu; of starting it
	made   int      // guarded by mu
	free   []string // guarded by mu; emptied databases
}

// MariaDB tells whether they are MariaDB's.
func (d *Databases) MariaDB() bool { return os.Getenv(Variable) == "mariadb" }

// Fresh returns the name of a database without data. A former test's tables may be in it, emptied:
// making them takes MariaDB long. The test must not change them.
func (d *Databases) Fresh(t testing.TB) string {
	t.Helper()
	name := d.takeFree()
	if name == "" {
		name = d.Own(t)
	}
	if !d.MariaDB() && d.Migrate != nil {
		d.copyTo(t, name)
	}
	if d.MariaDB() {
		t.Cleanup(func() {
			if err := d.release(name); err != nil {
				t.Errorf("empty a database: %v", err)
			}
		})
	}
	return name
}

// copyTo makes a SQLite database that has its tables: with the race detector making them takes longer than most tests.
func (d *Databases) copyTo(t testing.TB, path string) {
	t.Helper()
	d.once.Do(func() {
		first := filepath.Join(t.TempDir(), "migrated.db")
		if d.failed = d.Migrate(first); d.failed == nil {
			d.migrated, d.failed = os.ReadFile(first)
		}
	})
	if d.failed != nil {
		t.Fatalf("make the tables: %v", d.failed)
	}
	if err := os.WriteFile(path, d.migrated, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Own returns the name of a database that nobody has used and nobody will.
func (d *Databases) Own(t testing.TB) string {
	t.Helper()
	if !d.MariaDB() {
		return filepath.Join(t.TempDir(), "neochat.db")
	}
	return d.make(t, "")
}

func (d *Databases) takeFree() (name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if last := len(d.free) - 1; last >= 0 {
		name, d.free = d.free[last], d.free[:last]
	}
	return name
}

func (d *Databases) release(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	err := d.server.Empty(path.Base(name))
	if err == nil {
		d.free = append(d.free, name)
	}
	return err
}

// Copy returns the name of a database with everything that is in from, which is one of these and MariaDB's.
func (d *Databases) Copy(t testing.TB, from string) string {
	t.Helper()
	return d.make(t, from)
}

func (d *Databases) make(t testing.TB, from string) string {
	t.Helper()
	name, err := d.create(from)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func (d *Databases) create(from string) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.server == nil && d.err == nil {
		d.server, d.err = Start(false)
	}
	if d.err != nil {
		return "", d.err
	}
	d.made++
	name := fmt.Sprintf("test%d", d.made)
	make := func() error { return d.server.Exec("CREATE DATABASE " + name) }
	if from != "" {
		make = func() error { return d.server.Copy(path.Base(from), name) }
	}
	if err := make(); err != nil {
		return "", fmt.Errorf("make a database: %w", err)
	}
	return d.server.URL(name), nil
}

// Exit ends the server, if one was started, and the process with it. It is for TestMain, when all tests
// have ended.
func (d *Databases) Exit(code int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.server != nil {
		if err := d.server.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "ending MariaDB:", err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// New starts a server for one test, with an empty database called chat, and stops it with the test.
func New(t testing.TB, isDurable bool) *Server {
	t.Helper()
	s, err := Start(isDurable)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := s.Exec("CREATE DATABASE chat"); err != nil {
		t.Fatal(err)
	}
	return s
}
