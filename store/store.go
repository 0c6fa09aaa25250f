// Package store keeps people, conversations, messages, groups and files'
// rights in SQL. All writing goes through one goroutine that commits whatever
// waits in one transaction; reading has connections of its own.
//
// Post, Edit, Delete, React, Mark, Delivered, CreateGroup, Invite and LeaveGroup return at once
// and answer through a callback. Callbacks run after the commit, in commit
// order, one at a time. A callback must not wait for another call of this
// package, must not call Close and must not be nil: the next one runs only after it returned.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"time"
)

// Config says where the database is.
type Config struct {
	// Database is the path of an SQLite file, which is made (mode 0600) if it is missing (its folder
	// is not), or names a MySQL or MariaDB database, which must be there:
	// mysql://user:password@host:port/name or mysql://user:password@unix(/path/of/socket)/name, both
	// with an optional ?tls= of true, false, preferred or skip-verify. Percent-encode what is special.
	Database string
	// Exclusive claims the database: a second Open with Exclusive is ErrInUse. It is for servers; commands
	// beside one do not ask for it. On SQLite it does nothing: there the caller's lock on the folder does.
	Exclusive bool
	// PasswordCost of passwords set from now on; the zero value means the default.
	PasswordCost PasswordCost
	// Quota is how many bytes of files one account may have uploaded in all; 0: any number.
	Quota int64
	// Logger for migrations and failures; nil means slog.Default(). It never
	// sees secrets or message text.
	Logger *slog.Logger
}

// Store is an open database. Its methods may be called from any goroutine.
type Store struct {
	log       *slog.Logger
	dialect   dialect
	writeDB   *sql.DB
	readDB    *sql.DB
	queries   [numReads]*sql.Stmt // prepared on readDB
	writer    *writer
	indexing  *writer // writes the index: writer itself, or one beside it
	passwords *hasher
	quota     int64 // bytes of files per account; 0: any number
	indexer   *indexer
	closing   sync.Once
	closed    error // set within closing
}

// Open opens the database, makes or migrates its schema, and starts the writer.
// ErrNewerSchema means a newer program has used it; nothing was touched then. ErrHalfCopied: see Copy.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	log := cfg.Logger
	if log == nil {
		log = slog.Default()
	}
	if cfg.Database == "" {
		return nil, errors.New("store: no database path given")
	}
	d, err := dialectOf(cfg.Database)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	passwords, err := newHasher(cfg.PasswordCost, runtime.NumCPU())
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	s := &Store{log: log, dialect: d, passwords: passwords, quota: cfg.Quota}
	if err := s.open(ctx, cfg.Exclusive); err != nil {
		return nil, errors.Join(fmt.Errorf("store: %w", err), s.closeDatabases())
	}
	s.indexer = startIndexer(s)
	s.writer.committed = s.indexer.committed
	s.writer.start()
	if s.indexing != s.writer {
		s.indexing.start()
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, exclusive bool) error {
	if err := refuseNewer(ctx, s.dialect); err != nil {
		return err
	}
	if err := s.dialect.prepare(); err != nil {
		return err
	}
	if err := migrate(ctx, s.dialect, newestMigration, s.log); err != nil {
		return err
	}
	if err := s.openWriter(ctx, exclusive); err != nil {
		return err
	}
	return s.openReaders(ctx)
}

func (s *Store) openWriter(ctx context.Context, exclusive bool) (err error) {
	if s.writeDB, err = s.dialect.openWriter(); err != nil {
		return err
	}
	s.writeDB.SetMaxOpenConns(2) // one for each writer
	if err := s.dialect.inspect(ctx, s.writeDB, s.log); err != nil {
		return err
	}
	if err := refuseHalfCopied(ctx, s.writeDB, s.dialect); err != nil {
		return err
	}
	s.writer = newWriter(s.writeDB, s.dialect, s.log, time.Now)
	s.writer.exclusive = exclusive
	if s.indexing = s.writer; s.dialect.beside {
		s.indexing = newWriter(s.writeDB, s.dialect, s.log.With("writes", "the index"), time.Now) // it connects when it is needed
		s.indexing.beside = true
	}
	return s.writer.connect(ctx)
}

func (s *Store) openReaders(ctx context.Context) (err error) {
	if s.readDB, err = s.dialect.openReaders(); err != nil {
		return err
	}
	readers := max(4, runtime.NumCPU())
	s.readDB.SetMaxOpenConns(readers)
	s.readDB.SetMaxIdleConns(readers)
	for i, query := range readQueries(s.dialect) {
		if s.queries[i], err = s.readDB.PrepareContext(ctx, query); err != nil {
			return fmt.Errorf("prepare read %d: %w", i, err)
		}
	}
	return nil
}

// Place says where the database is: its path, or its URL without the password.
func (s *Store) Place() string { return s.dialect.place }

// Close refuses new writes, commits those already accepted, runs their
// callbacks and closes the database. It may be called more than once.
func (s *Store) Close() error {
	s.closing.Do(func() {
		s.indexer.stop()
		if s.indexing != s.writer {
			s.indexing.stop()
		}
		s.writer.stop()
		s.closed = s.closeDatabases()
	})
	return s.closed
}

func (s *Store) closeDatabases() error {
	var errs []error
	for _, q := range s.queries {
		if q != nil {
			errs = append(errs, q.Close())
		}
	}
	if s.readDB != nil {
		errs = append(errs, s.readDB.Close())
	}
	if s.indexing != s.writer {
		errs = append(errs, s.indexing.disconnect())
	}
	if s.writer != nil {
		errs = append(errs, s.writer.disconnect())
	}
	if s.writeDB != nil {
		errs = append(errs, s.writeDB.Close())
	}
	return errors.Join(errs...)
}

// Ping reads, and commits a small write, so that it fails when either path is dead.
func (s *Store) Ping(ctx context.Context) error {
	var value int64
	if err := s.row(ctx, qChange).Scan(&value); err != nil {
		return readFailed("ping", err)
	}
	return s.write(ctx, func(*batch) error { return nil })
}

// row runs a prepared read of one row.
func (s *Store) row(ctx context.Context, q readQuery, args ...any) *sql.Row {
	return s.read(q).QueryRowContext(ctx, args...)
}

// readFailed turns a read's error into one of ours. A context's error stays visible.
func readFailed(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("%s: %w", what, ErrNotFound)
	case isDomain(err), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w", what, err)
	}
	return fmt.Errorf("%s: %w: %w", what, ErrUnavailable, err)
}

// collect runs a prepared read and scans every row.
func collect[T any](ctx context.Context, stmt *sql.Stmt, scan func(scanner) (T, error), args ...any) ([]T, error) {
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}
