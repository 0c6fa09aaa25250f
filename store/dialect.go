package store

import (
	"database/sql"
	"database/sql/driver"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// Everything that is SQLite's own and not common SQL is in this file and in
// migrations/sqlite.

//go:embed migrations/sqlite/*.sql
var migrations embed.FS

// dialect is what differs between the databases, so that there is one set of statements.
type dialect struct {
	driver        string
	goose         goose.Dialect
	migrations    string // folder of the embedded ones
	countTables   string // counts the tables of a name
	begin         string // begins a transaction that writes
	insertNew     string // INSERT that leaves rows alone whose key is there
	greatest      string // the function: the larger of two values
	least         string // the function: the smaller of two values
	failed        func(error) bool
	noTransaction func(error) bool
	// upsert ends an INSERT: where the row of that key is there, set is done to it; {x} stands for
	// the value of column x that was to be inserted.
	upsert func(key, set string) string
}

// sqliteDialect is the embedded database.
func sqliteDialect() dialect {
	return dialect{
		driver:      "sqlite",
		goose:       goose.DialectSQLite3,
		migrations:  "migrations/sqlite",
		countTables: "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = ?",
		// The write lock is taken at once: a transaction that reads first and then
		// wants to write could otherwise fail with SQLITE_BUSY in its middle.
		begin:         "BEGIN IMMEDIATE",
		insertNew:     "INSERT OR IGNORE",
		greatest:      "MAX",
		least:         "MIN",
		failed:        databaseFailed,
		noTransaction: noTransaction,
		upsert: func(key, set string) string {
			return " ON CONFLICT (" + key + ") DO UPDATE SET " + inserted.ReplaceAllString(set, "excluded.$1")
		},
	}
}

// inserted finds {column} in the set of an upsert.
var inserted = regexp.MustCompile(`\{([a-z_]+)\}`)

// writerDSN names the database for the one writing connection.
func writerDSN(path string) (string, error) {
	return dsn(path, "rw", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)",
		"temp_store(MEMORY)", "wal_autocheckpoint(4000)", "journal_size_limit(67108864)", "cache_size(-32768)")
}

// readerDSN names the database for connections that can only read.
func readerDSN(path string) (string, error) {
	return dsn(path, "ro", "query_only(1)")
}

// lookDSN names the database for a look that leaves no trace. With no log beside it the file
// is all there is, and "immutable" keeps SQLite from making one.
func lookDSN(path string) (string, error) {
	name, err := readerDSN(path)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(path + "-wal"); errors.Is(err, fs.ErrNotExist) {
		name += "&immutable=1"
	}
	return name, nil
}

func dsn(path, mode string, pragmas ...string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("absolute path of %s: %w", path, err)
	}
	slashed := filepath.ToSlash(abs)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed // a drive letter
	}
	query := url.Values{"mode": {mode}, "_pragma": {"busy_timeout(5000)"}}
	for _, p := range pragmas {
		query.Add("_pragma", p)
	}
	u := url.URL{Scheme: "file", Path: slashed, RawQuery: query.Encode()}
	return u.String(), nil
}

// databaseFailed tells that the database itself is in trouble (disk, lock,
// connection), so that repeating single operations has no point.
func databaseFailed(err error) bool {
	if errors.Is(err, errDatabase) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, driver.ErrBadConn) {
		return true
	}
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code() & 0xff { // the primary code of an extended one
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED, lib.SQLITE_NOMEM, lib.SQLITE_READONLY, lib.SQLITE_IOERR,
		lib.SQLITE_CORRUPT, lib.SQLITE_FULL, lib.SQLITE_CANTOPEN, lib.SQLITE_NOTADB, lib.SQLITE_PROTOCOL:
		return true
	}
	return false
}

// noTransaction tells that a ROLLBACK had nothing to roll back: SQLite ends the
// transaction itself after some failures.
func noTransaction(err error) bool {
	return strings.Contains(err.Error(), "no transaction is active")
}
