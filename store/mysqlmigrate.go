package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/pressly/goose/v3"
)

// mysqlSteps makes migrations of the embedded files that can be repeated. A change of the schema ends its
// transaction here, so one that was cut off in its middle is begun again, and what it had done is passed over.
func mysqlSteps(ctx context.Context, db *sql.DB, dir fs.FS) ([]goose.ProviderOption, fs.FS, error) {
	if err := setCollation(ctx, db); err != nil {
		return nil, nil, err
	}
	names, err := fs.Glob(dir, "*.sql")
	if err != nil {
		return nil, nil, err
	}
	slices.Sort(names)
	var steps []*goose.Migration
	for _, name := range names {
		step, err := mysqlStep(dir, name)
		if err != nil {
			return nil, nil, err
		}
		steps = append(steps, step)
	}
	return []goose.ProviderOption{goose.WithGoMigrations(steps...), goose.WithSessionLocker(mysqlLocker{})}, nil, nil
}

func mysqlStep(dir fs.FS, name string) (*goose.Migration, error) {
	text, err := fs.ReadFile(dir, name)
	if err != nil {
		return nil, err
	}
	number, _, _ := strings.Cut(name, "_")
	version, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("number of %s: %w", name, err)
	}
	run := func(ctx context.Context, db *sql.DB) error {
		for _, statement := range statements(string(text)) {
			if _, err := db.ExecContext(ctx, statement); err != nil && !doneBefore(err) {
				return fmt.Errorf("%w in: %s", err, statement)
			}
		}
		return nil
	}
	return goose.NewGoMigration(version, &goose.GoFunc{RunDB: run}, nil), nil
}

// statements cuts a file where a line ends in a semicolon, and drops comment lines.
func statements(text string) (all []string) {
	var one strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "--") || strings.TrimSpace(line) == "" {
			continue
		}
		one.WriteString(line)
		if strings.HasSuffix(strings.TrimSpace(line), ";") {
			all = append(all, one.String())
			one.Reset()
		}
	}
	return all
}

// doneBefore tells that a statement of a migration was carried out by an attempt that was cut off.
func doneBefore(err error) bool {
	var e *mysql.MySQLError
	if !errors.As(err, &e) {
		return false
	}
	switch e.Number {
	case mysqlTableExists, mysqlDuplicateColumn, mysqlDuplicateIndex, mysqlDuplicateRow, mysqlNothingToDrop:
		return true
	}
	return false
}

// setCollation makes identifiers compare byte for byte in the tables to come. utf8mb4_bin would not do:
// it takes "a" and "a " for the same. The two kinds of server have different names for what does.
func setCollation(ctx context.Context, db *sql.DB) error {
	var version, present string
	if err := db.QueryRowContext(ctx, "SELECT VERSION(), @@collation_database").Scan(&version, &present); err != nil {
		return fmt.Errorf("read the database's collation: %w", err)
	}
	want := "utf8mb4_0900_bin"
	if strings.Contains(version, "MariaDB") {
		want = "utf8mb4_nopad_bin"
	}
	if present == want {
		return nil
	}
	if _, err := db.ExecContext(ctx, "ALTER DATABASE CHARACTER SET utf8mb4 COLLATE "+want); err != nil {
		return fmt.Errorf("set the database's collation: %w", err)
	}
	return nil
}

// mysqlLocker lets one program at a time change the schema of a database.
type mysqlLocker struct{}

const mysqlMigrating = "CONCAT('neochat migrates ', MD5(DATABASE()))" // a lock's name has at most 64 characters

// SessionLock waits as long as ctx lasts, at most an hour.
func (mysqlLocker) SessionLock(ctx context.Context, conn *sql.Conn) error {
	var got sql.NullBool
	if err := conn.QueryRowContext(ctx, "SELECT GET_LOCK("+mysqlMigrating+", 3600)").Scan(&got); err != nil {
		return fmt.Errorf("wait for another program that changes the schema: %w", err)
	}
	if !got.Bool {
		return errors.New("another program has been changing the schema for an hour")
	}
	return nil
}

// SessionUnlock gives the lock back.
func (mysqlLocker) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "DO RELEASE_LOCK("+mysqlMigrating+")")
	return err
}
