package mariadbtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Variable chooses what tests run on: unset or "sqlite", or "mariadb".
const Variable = "NEOCHAT_TEST_DATABASE"

// Databases hands out empty databases of the kind that Variable asks for.
type Databases struct {
	mu     sync.Mutex
	server *Server // guarded by mu; started when first needed
	err    error   // guarded by mu; of starting it
	made   int     // guarded by mu
}

// MariaDB tells whether they are MariaDB's.
func (d *Databases) MariaDB() bool { return os.Getenv(Variable) == "mariadb" }

// Fresh returns the name of a database that nobody has used.
func (d *Databases) Fresh(t testing.TB) string {
	t.Helper()
	if !d.MariaDB() {
		return filepath.Join(t.TempDir(), "neochat.db")
	}
	return d.make(t, "")
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
		make = func() error { return d.server.Copy(from[strings.LastIndexByte(from, '/')+1:], name) }
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
