package contract

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"neochat/store/mariadbtest"
)

// accounts are there in every server's data, all with this password.
const (
	accounts = "+1 +2 +3 +4 A B C D +86101 +8200001"
	password = "correct horse"
)

// preparedEnv names the data folder that every server gets a copy of.
const preparedEnv = "NEOCHAT_CONTRACT_DATA"

// preparedDatabaseEnv names the database of that folder where it is not a file in it.
const preparedDatabaseEnv = "NEOCHAT_CONTRACT_DATABASE"

// databases are what the servers run on: SQLite's or, by NEOCHAT_TEST_DATABASE, MariaDB's.
var databases mariadbtest.Databases

// databaseFlag makes a server use a database other than the file in its data folder.
func databaseFlag(url string) []string {
	if url == "" {
		return nil
	}
	return []string{"--database", url}
}

// prepare makes that folder: accounts, and a session of each. Hashing passwords is dear, so it is done once.
func prepare(dir string) (err error) {
	t := &setup{dir: dir}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("preparing accounts: %v", r)
		}
	}()
	if databases.MariaDB() {
		t.database = databases.Own(t)
	}
	s := newServer(t, dir, databaseFlag(t.database))
	s.start()
	defer t.end()
	for _, account := range strings.Fields(accounts) {
		c := s.open("/message")
		c.send("message_type: registered\nuser_account: " + account + "\nuser_password: " + password + "\n\n")
		c.want("message_type: registered\nstat: 200")
		c.send("message_type: login\ndevice: prepared\nuser_account: " + account + "\nuser_password: " + password + "\n\n")
		token := c.want("message_type: login\nstat: 200\nuser_account: " + account + "\nsession: {session}")["session"]
		if err := os.WriteFile(filepath.Join(dir, "token-"+account), []byte(token), 0o600); err != nil {
			return err
		}
	}
	t.end()
	s.stop()
	if err := os.Setenv(preparedDatabaseEnv, t.database); err != nil {
		return err
	}
	return os.Setenv(preparedEnv, dir)
}

// setup stands in for a test before there is one: what would fail a test panics.
type setup struct {
	testing.TB
	dir      string
	database string // its URL; "" is a file in dir
	after    []func()
}

func (s *setup) Helper()                   {}
func (s *setup) Failed() bool              { return false }
func (s *setup) Cleanup(f func())          { s.after = append(s.after, f) }
func (s *setup) Fatal(args ...any)         { panic(fmt.Sprint(args...)) }
func (s *setup) Fatalf(f string, a ...any) { panic(fmt.Sprintf(f, a...)) }
func (s *setup) Errorf(f string, a ...any) { panic(fmt.Sprintf(f, a...)) }

func (s *setup) end() {
	for _, f := range s.after {
		f()
	}
	s.after = nil
}
