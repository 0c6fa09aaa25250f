package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"modernc.org/sqlite"
)

// snapshotPages is how many pages are copied between two looks at the context: 1 MiB of those that we make.
const snapshotPages = 256

// Snapshot writes the state that a database has now into a new SQLite file, whatever kind it is of, while
// a server uses it and others write. It is one state: of a transaction all or nothing is in it, and everything that
// was committed before the call. Writers are not held up: SQLite's pages are read within one read transaction, for
// which its log grows by what is written meanwhile; of MySQL the rows are read in one consistent snapshot.
//
// to must not exist. When Snapshot returns without error the file is on the disk; its entry in the folder is the
// caller's to sync. Where it fails the file is removed. progress is told how much of how much is there, in
// pages or rows; nil is nobody. ErrNotFound: no database of ours is there. ErrNewerSchema: a newer
// program has used it. A file of an older schema is kept as it is; of MySQL that is ErrOlderSchema.
func Snapshot(ctx context.Context, database, to string, progress func(what string, done, of int64)) (err error) {
	d, err := dialectOf(database)
	if err != nil {
		return err
	}
	if _, err := checkReadable(ctx, d); err != nil {
		return err
	}
	if _, err := os.Lstat(to); err == nil {
		return fmt.Errorf("the snapshot: %s is there already: %w", to, ErrExists)
	}
	if progress == nil {
		progress = func(string, int64, int64) {}
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, removeSQLite(to))
		}
	}()
	if IsFile(database) {
		err = copyPages(ctx, d, to, progress)
	} else {
		_, err = Copy(ctx, CopyConfig{From: database, To: to, Beside: true, Progress: progress, Logger: slog.New(slog.DiscardHandler)})
	}
	if err != nil {
		return fmt.Errorf("the snapshot: %w", err)
	}
	return syncFile(to)
}

// removeSQLite removes a database file and what SQLite may have laid beside it.
func removeSQLite(path string) error {
	var errs []error
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("the snapshot: %w", err)
	}
	return errors.Join(f.Sync(), f.Close())
}

// copyPages copies a file page by page within one read transaction.
func copyPages(ctx context.Context, d dialect, to string, progress func(string, int64, int64)) error {
	if err := prepareFile(to); err != nil { // so that its mode is ours
		return err
	}
	// Nobody reads the new file before it is whole and synced: it needs no journal.
	target, err := dsn(to, "rw", "journal_mode(OFF)", "synchronous(OFF)")
	if err != nil {
		return err
	}
	db, err := d.openReaders()
	if err != nil {
		return err
	}
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	// Within a transaction all steps see one state; without one, each write of the server would begin the copy anew.
	if _, err := conn.ExecContext(ctx, "BEGIN"); err != nil {
		return err
	}
	defer conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
	var tables int
	if err := conn.QueryRowContext(ctx, d.anyTables).Scan(&tables); err != nil { // the transaction begins with its first read
		return err
	}
	return conn.Raw(func(driver any) error { return stepPages(ctx, driver, target, progress) })
}

func stepPages(ctx context.Context, from any, target string, progress func(string, int64, int64)) error {
	source, ok := from.(interface {
		NewBackup(string) (*sqlite.Backup, error)
	})
	if !ok {
		return fmt.Errorf("a connection of type %T cannot be copied", from)
	}
	b, err := source.NewBackup(target)
	if err != nil {
		return err
	}
	for more := true; more && err == nil; {
		if err = ctx.Err(); err == nil {
			more, err = b.Step(snapshotPages)
			progress("pages", int64(b.PageCount()-b.Remaining()), int64(b.PageCount()))
		}
	}
	return errors.Join(err, b.Finish())
}

// openSnapshot opens a database to be read without leaving a trace. The caller closes it.
func openSnapshot(ctx context.Context, database string) (s side, err error) {
	if s.dialect, err = dialectOf(database); err != nil {
		return s, err
	}
	if s.db, err = s.look(); err != nil {
		return s, err
	}
	if s.db == nil {
		return s, fmt.Errorf("there is no NeoChat database in %s: %w", s.place, ErrNotFound)
	}
	if s.Conn, err = s.db.Conn(ctx); err == nil {
		for _, statement := range s.snapshot {
			if err == nil {
				_, err = s.ExecContext(ctx, statement)
			}
		}
	}
	if err != nil {
		return s, errors.Join(fmt.Errorf("open %s: %w", s.place, err), s.db.Close())
	}
	return s, nil
}

func (s *side) end() {
	s.Conn.Close()
	s.db.Close()
}

// Contents is what a database holds at one time.
type Contents struct {
	Schema int64
	Tables []Table
	// Change numbers the last thing that happened; LastMessage is when the last message was stored, in Unix ms (0: none is).
	Change, LastMessage int64
}

// Table tells of a table what it holds.
type Table struct {
	Name   string `json:"name"`
	Rows   int64  `json:"rows"`
	Digest string `json:"digest"` // SHA-256 over all rows in the order of their keys, in hex, as CopiedTable has it
}

// Digest reads all that a database holds, in one state of it, and changes nothing. A server may use it meanwhile.
// progress is told which table is read; nil is nobody. Tables that an older schema lacks are left out. ErrNotFound,
// ErrNewerSchema: as of Snapshot.
func Digest(ctx context.Context, database string, progress func(table string)) (c Contents, err error) {
	d, err := dialectOf(database)
	if err != nil {
		return c, err
	}
	if c.Schema, err = checkReadable(ctx, d); err != nil {
		return c, err
	}
	s, err := openSnapshot(ctx, database)
	if err != nil {
		return c, err
	}
	defer s.end()
	for _, t := range append(copiedTables[:], countersTable) {
		var there int
		if err := s.QueryRowContext(ctx, s.countTables, t.name).Scan(&there); err != nil {
			return c, fmt.Errorf("digest %s: %w", t.name, err)
		}
		if there == 0 {
			continue
		}
		if progress != nil {
			progress(t.name)
		}
		table := Table{Name: t.name}
		l, err := s.layout(ctx, t)
		if err == nil {
			table.Rows, table.Digest, err = s.digest(ctx, t, l)
		}
		if err != nil {
			return c, fmt.Errorf("digest %s: %w", t.name, err)
		}
		c.Tables = append(c.Tables, table)
	}
	if err := s.upTo(ctx, &c); err != nil {
		return c, fmt.Errorf("digest: %w", err)
	}
	return c, nil
}

// checkReadable returns the schema of a database that this program can read.
func checkReadable(ctx context.Context, d dialect) (version int64, err error) {
	version, err = lookVersion(ctx, d)
	switch {
	case err != nil:
		return 0, err
	case version == 0:
		return 0, fmt.Errorf("there is no NeoChat database in %s: %w", d.place, ErrNotFound)
	case version > newestMigration:
		return 0, fmt.Errorf("%s has schema %d, this program knows %d: %w", d.place, version, newestMigration, ErrNewerSchema)
	}
	return version, nil
}

// upTo finds what happened last.
func (s *side) upTo(ctx context.Context, c *Contents) error {
	if err := s.QueryRowContext(ctx, "SELECT value FROM counters WHERE name = 'change'").Scan(&c.Change); err != nil {
		return err
	}
	err := s.QueryRowContext(ctx, "SELECT create_time FROM messages ORDER BY id DESC LIMIT 1").Scan(&c.LastMessage)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}

// layout orders a table's columns as a copy does.
func (s *side) layout(ctx context.Context, t copiedTable) (layout, error) {
	c := copier{from: *s, to: *s}
	l, _, err := c.layouts(ctx, t)
	return l, err
}

// CheckIntegrity has SQLite examine a file: its pages, indexes and constraints. A server may use it meanwhile. It
// returns what is wrong, at most 100 things; a MySQL database examines itself, and nothing is returned.
func CheckIntegrity(ctx context.Context, database string) (wrong []string, err error) {
	if !IsFile(database) {
		return nil, nil
	}
	s, err := openSnapshot(ctx, database)
	if err != nil {
		return nil, err
	}
	defer s.end()
	rows, err := s.QueryContext(ctx, "PRAGMA integrity_check(100)")
	if err != nil {
		return nil, fmt.Errorf("examine %s: %w", database, err)
	}
	found, err := readRows(rows, 1)
	if err != nil {
		return nil, fmt.Errorf("examine %s: %w", database, err)
	}
	for _, row := range found {
		if text := fmt.Sprint(row[0]); text != "ok" {
			wrong = append(wrong, text)
		}
	}
	return wrong, nil
}
