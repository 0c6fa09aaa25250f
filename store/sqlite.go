package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// Everything that is SQLite's own and not common SQL is in this file and in
// migrations/sqlite.

// sqliteDialect is the embedded database.
func sqliteDialect(path string) dialect {
	open := func(name func(string) (string, error)) func() (*sql.DB, error) {
		return func() (*sql.DB, error) { return openSQLite(path, name) }
	}
	return dialect{
		place:        path,
		kind:         goose.DialectSQLite3,
		migrations:   "migrations/sqlite",
		prepare:      func() error { return prepareFile(path) },
		look:         func() (*sql.DB, error) { return lookSQLite(path) },
		openWriter:   open(writerDSN),
		openReaders:  open(readerDSN),
		openMigrator: open(writerDSN),
		openAlone:    open(aloneDSN),
		busy:         sqliteBusy,
		snapshot:     []string{"BEGIN"},
		steps:        sqliteSteps,
		inspect:      func(context.Context, *sql.DB, *slog.Logger) error { return nil },
		claim:        func(context.Context, *sql.Conn, int64) (int64, error) { return 0, nil },
		countTables:  "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = ?",
		anyTables:    "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table'",
		// The write lock is taken at once: a transaction that reads first and then
		// wants to write could otherwise fail with SQLITE_BUSY in its middle.
		begin:         "BEGIN IMMEDIATE",
		drawChange:    "UPDATE counters SET value = value + ? WHERE name = 'change' RETURNING value",
		draw:          drawSQLite,
		most:          64,
		insertNew:     "INSERT OR IGNORE",
		greatest:      "MAX",
		least:         "MIN",
		duplicate:     sqliteDuplicate,
		failed:        sqliteFailed,
		lost:          func(error) bool { return false },
		noTransaction: noTransaction,
		wordsKey:      "rowid",
		hasWords:      "message_words MATCH ?",
		wordList:      func(groups [][]string, any bool) string { return wordList(groups, any, "", " AND ", " OR ") },
		advance:       multiSQL{prefix: "UPDATE conversations SET last_seq = last_seq + ?2, last_change = ?3, touched = ?3 WHERE id = ?1", alone: 3},
		upsert: func(key, set string) string {
			return " ON CONFLICT (" + key + ") DO UPDATE SET " + inserted.ReplaceAllString(set, "excluded.$1")
		},
	}
}

func sqliteSteps(_ context.Context, _ *sql.DB, dir fs.FS) ([]goose.ProviderOption, fs.FS, error) {
	return nil, dir, nil
}

// prepareFile makes the database file, for its owner's eyes only, unless it is
// there. SQLite gives its -wal and -shm files the same mode.
func prepareFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("the database file cannot be written: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("close new database file: %w", err)
	}
	return nil
}

func openSQLite(path string, name func(string) (string, error)) (*sql.DB, error) {
	dsn, err := name(path)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return db, nil
}

// lookSQLite opens an existing file; an empty one is no database yet.
func lookSQLite(path string) (*sql.DB, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && info.Size() == 0:
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("look at the database file: %w", err)
	}
	return openSQLite(path, lookDSN)
}

// writerDSN names the database for the one writing connection.
func writerDSN(path string) (string, error) {
	return dsn(path, "rw", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)",
		"temp_store(MEMORY)", "wal_autocheckpoint(4000)", "journal_size_limit(67108864)", "cache_size(-32768)")
}

// aloneDSN names the database for a connection beside which no program can have another.
func aloneDSN(path string) (string, error) {
	// Not a word of journal_mode, which would open the log before it is locked: the file remembers it.
	return dsn(path, "rw", "locking_mode(EXCLUSIVE)", "synchronous(FULL)", "foreign_keys(1)", "temp_store(MEMORY)")
}

func drawSQLite(ctx context.Context, update *sql.Stmt, n int) (last int64, err error) {
	return last, update.QueryRowContext(ctx, n).Scan(&last)
}

func sqliteBusy(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xff == lib.SQLITE_BUSY
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

// sqliteFailed tells that the database itself is in trouble (disk, lock,
// connection), so that repeating single operations has no point.
func sqliteFailed(err error) bool {
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

// sqliteDuplicate tells of a row with a key that is there.
func sqliteDuplicate(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && (e.Code() == lib.SQLITE_CONSTRAINT_UNIQUE || e.Code() == lib.SQLITE_CONSTRAINT_PRIMARYKEY)
}

// noTransaction tells that a ROLLBACK had nothing to roll back: SQLite ends the
// transaction itself after some failures.
func noTransaction(err error) bool {
	return strings.Contains(err.Error(), "no transaction is active")
}
