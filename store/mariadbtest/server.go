// Package mariadbtest gives tests a MariaDB server of their own: a private process in a temporary folder,
// reached through a unix socket, so that no server that happens to run here is ever touched. It needs
// mariadbd and mariadb-install-db in the PATH (Debian: mariadb-server-core, mariadb-client-core).
package mariadbtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"time"

	"github.com/go-sql-driver/mysql"
)

// patience is how long a server may take to start.
const patience = time.Minute

// Server is a MariaDB server. Its methods are not for several goroutines at once.
type Server struct {
	dir     string
	options []string
	process *exec.Cmd // nil while it is not running
}

// durable are the settings with which an answered commit is on disk. Without them the server
// does not wait for the disk, which most tests need not.
var durable = []string{"--innodb-flush-log-at-trx-commit=1"}

var hasty = []string{"--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync", "--innodb-doublewrite=0",
	"--innodb-file-per-table=0", "--innodb-stats-persistent=0"}

// Start makes a server with an empty data folder and starts it. A durable one has each commit on disk; another
// is faster. Stop removes it.
func Start(isDurable bool) (*Server, error) {
	dir, err := os.MkdirTemp("", "mariadbtest-")
	if err != nil {
		return nil, fmt.Errorf("folder for MariaDB: %w", err)
	}
	s := &Server{dir: dir, options: hasty}
	if isDurable {
		s.options = durable
	}
	if err := s.install(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := s.Run(); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

func (s *Server) path(name string) string { return filepath.Join(s.dir, name) }

// common are the options of both programs. No file of options is read.
func (s *Server) common() []string {
	// A server removes what it takes for its own leftovers from its folder of temporary tables: each has its own.
	options := []string{"--no-defaults", "--datadir=" + s.path("data"), "--tmpdir=" + s.dir, "--innodb-log-file-size=32M"}
	if me, err := user.Current(); err == nil {
		options = append(options, "--user="+me.Username)
	}
	return options
}

func (s *Server) install() error {
	options := append(s.common(), "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve")
	out, err := exec.Command("mariadb-install-db", options...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("mariadb-install-db (Debian: mariadb-server-core): %w\n%s", err, out)
	}
	return nil
}

// Run starts the server, which must not be running, and returns when it answers.
func (s *Server) Run() error {
	log, err := os.OpenFile(s.path("log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	command, err := exec.LookPath("mariadbd")
	if err != nil {
		command = "/usr/sbin/mariadbd" // not in everybody's PATH
	}
	options := append(s.common(), "--skip-networking", "--socket="+s.path("socket"), "--pid-file="+s.path("pid"),
		"--skip-name-resolve", "--skip-log-bin", "--innodb-buffer-pool-size=128M", "--max-connections=500")
	s.process = exec.Command(command, append(options, s.options...)...)
	s.process.Stdout, s.process.Stderr = log, log
	s.process.SysProcAttr = dieWithParent()
	if err := s.process.Start(); err != nil {
		s.process = nil
		return fmt.Errorf("starting mariadbd: %w", err)
	}
	return s.answers()
}

// answers waits until the server does.
func (s *Server) answers() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	db, err := s.open()
	if err != nil {
		return err
	}
	defer db.Close()
	for {
		err := db.PingContext(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			text, _ := os.ReadFile(s.path("log"))
			return fmt.Errorf("MariaDB does not answer: %w\n%s", err, text)
		}
		time.Sleep(20 * time.Millisecond) // there is no event for it
	}
}

func (s *Server) open() (*sql.DB, error) {
	cfg := mysql.NewConfig()
	cfg.User, cfg.Net, cfg.Addr = "root", "unix", s.path("socket")
	cfg.Logger = &mysql.NopLogger{}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1)
	return db, nil
}

// URL names a database of the server as store.Config.Database does.
func (s *Server) URL(database string) string {
	return s.URLFor("root", database)
}

// URLFor is URL for another user than root.
func (s *Server) URLFor(user, database string) string {
	return "mysql://" + user + "@unix(" + s.path("socket") + ")/" + database
}

// Exec runs a statement as root.
func (s *Server) Exec(statement string) error {
	db, err := s.open()
	if err != nil {
		return err
	}
	_, err = db.Exec(statement)
	return errors.Join(err, db.Close())
}

// Empty makes the database as it was after the migrations: only the counters have rows, of value 0.
func (s *Server) Empty(database string) error {
	db, err := s.open()
	if err != nil {
		return err
	}
	defer db.Close()
	tables, err := tablesOf(db, database)
	if err != nil || len(tables) == 0 {
		return err
	}
	statements := []string{"USE " + database, "SET SESSION foreign_key_checks = 0", "UPDATE counters SET value = 0"}
	for table, numbered := range tables {
		if table != "counters" && table != "goose_db_version" {
			statements = append(statements, "DELETE FROM "+table)
			if numbered {
				statements = append(statements, "ALTER TABLE "+table+" AUTO_INCREMENT = 1")
			}
		}
	}
	for _, statement := range statements {
		if _, err := db.Exec(statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// Copy makes the database to with the tables and rows of from.
func (s *Server) Copy(from, to string) error {
	db, err := s.open()
	if err != nil {
		return err
	}
	defer db.Close()
	tables, err := tablesOf(db, from)
	if err != nil {
		return err
	}
	if _, err := db.Exec("SET SESSION foreign_key_checks = 0"); err != nil {
		return err
	}
	if _, err := db.Exec("CREATE DATABASE " + to); err != nil {
		return err
	}
	for table := range tables {
		if err := copyTable(db, from, to, table); err != nil {
			return fmt.Errorf("copy %s: %w", table, err)
		}
	}
	return nil
}

// tablesOf tells of each table whether its rows have been numbered.
func tablesOf(db *sql.DB, database string) (map[string]bool, error) {
	rows, err := db.Query("SELECT table_name, COALESCE(auto_increment, 0) > 1 FROM information_schema.tables WHERE table_schema = ?", database)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	tables := map[string]bool{}
	for rows.Next() {
		var table string
		var numbered bool
		if err := rows.Scan(&table, &numbered); err != nil {
			return nil, err
		}
		tables[table] = numbered
	}
	return tables, rows.Err()
}

func copyTable(db *sql.DB, from, to, table string) error {
	var name, statement string
	if err := db.QueryRow("SHOW CREATE TABLE "+from+"."+table).Scan(&name, &statement); err != nil {
		return err
	}
	for _, statement := range []string{"USE " + to, statement, "INSERT INTO " + table + " SELECT * FROM " + from + "." + table} {
		if _, err := db.Exec(statement); err != nil {
			return err
		}
	}
	return nil
}

// Kill ends the server as a power cut would (but for what the system has not written to disk yet), and
// returns when it is gone. Run starts it again on the same data.
func (s *Server) Kill() error {
	if s.process == nil {
		return nil
	}
	err := s.process.Process.Kill()
	s.process.Wait() // says that it was killed
	s.process = nil
	return err
}

// Stop ends the server and removes its data.
func (s *Server) Stop() error { return errors.Join(s.Kill(), os.RemoveAll(s.dir)) }
