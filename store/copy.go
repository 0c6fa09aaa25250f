package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
)

// CopyConfig says what is copied where.
type CopyConfig struct {
	// From and To name databases as Config.Database does. Nothing else may use them meanwhile.
	From, To string
	// Beside lets others use From meanwhile: what is copied is one state of it, that of the beginning. Cut off,
	// such a copy can be continued only if From was not changed meanwhile.
	Beside bool
	// Progress is told, after each piece, how many of a table's rows are there; nil is nobody.
	Progress func(table string, rows, of int64)
	// Logger for migrations of the target; nil means slog.Default().
	Logger *slog.Logger
}

// CopiedTable tells how a table compares after the copy.
type CopiedTable struct {
	Name             string
	FromRows, ToRows int64
	From, To         string // SHA-256 over all rows in the order of their keys, in hex
}

// copyingCounter marks a target that is not complete; its value stands for the source.
const copyingCounter = "copying"

// Copy makes a database of either kind from another of either kind, and compares them row by row. Cut off at
// any time it continues where it was when it is called again. The target holds no data before, or is part of
// the same copy; until Copy has succeeded Open refuses it with ErrHalfCopied. What a search looks in is not
// copied: the server makes it anew.
//
// ErrInUse: something else uses one of them. ErrConflict: the target has data, is a copy of another database, or
// differs in the end, which happens only if one was used meanwhile. ErrOlderSchema, ErrNewerSchema: of the source or the target.
func Copy(ctx context.Context, cfg CopyConfig) ([]CopiedTable, error) {
	c := &copier{progress: cfg.Progress}
	if c.progress == nil {
		c.progress = func(string, int64, int64) {}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	defer c.close()
	if err := c.open(ctx, cfg); err != nil {
		return nil, err
	}
	if err := c.copyAll(ctx); err != nil {
		return nil, err
	}
	tables, err := c.compareAll(ctx)
	if err != nil {
		return tables, err
	}
	if _, err := c.to.ExecContext(ctx, "DELETE FROM counters WHERE name = ?", copyingCounter); err != nil {
		return tables, fmt.Errorf("complete the copy: %w", err)
	}
	return tables, nil
}

// copier is a Copy on its way.
type copier struct {
	from, to side
	progress func(table string, rows, of int64)
}

// side is one of the two databases, used by its one connection.
type side struct {
	dialect
	*sql.Conn
	db *sql.DB
}

func (c *copier) close() {
	for _, s := range []side{c.from, c.to} {
		if s.Conn != nil {
			s.Conn.Close()
		}
		if s.db != nil {
			s.db.Close()
		}
	}
}

func (c *copier) open(ctx context.Context, cfg CopyConfig) (err error) {
	if c.from.dialect, err = dialectOf(cfg.From); err != nil {
		return fmt.Errorf("the source: %w", err)
	}
	if c.to.dialect, err = dialectOf(cfg.To); err != nil {
		return fmt.Errorf("the target: %w", err)
	}
	if c.from.place == c.to.place {
		return fmt.Errorf("source and target are the same database: %w", ErrConflict)
	}
	if err := checkSource(ctx, c.from.dialect); err != nil {
		return err
	}
	if err := c.openSource(ctx, cfg); err != nil {
		return fmt.Errorf("the source: %w", err)
	}
	if err := prepareTarget(ctx, c.to.dialect, cfg.Logger); err != nil {
		return err
	}
	if err := c.to.connect(ctx, nil); err != nil {
		return fmt.Errorf("the target: %w", err)
	}
	return c.mark(ctx)
}

func (c *copier) openSource(ctx context.Context, cfg CopyConfig) (err error) {
	if cfg.Beside {
		c.from, err = openSnapshot(ctx, cfg.From)
		return err
	}
	return c.from.connect(ctx, c.from.snapshot)
}

// connect opens the database for this program alone.
func (s *side) connect(ctx context.Context, begin []string) (err error) {
	if s.db, err = s.openAlone(); err != nil {
		return err
	}
	if s.Conn, err = s.db.Conn(ctx); err != nil {
		return s.explain(err)
	}
	if _, err := s.claim(ctx, s.Conn, 0); err != nil {
		return s.explain(err)
	}
	for _, statement := range begin {
		if _, err := s.ExecContext(ctx, statement); err != nil {
			return s.explain(err)
		}
	}
	var tables int
	return s.explain(s.QueryRowContext(ctx, s.anyTables).Scan(&tables))
}

// explain tells a database in use from one that fails.
func (s *side) explain(err error) error {
	switch {
	case err == nil || errors.Is(err, ErrInUse):
		return err
	case s.busy(err):
		return fmt.Errorf("%s: %w", s.place, ErrInUse)
	}
	return fmt.Errorf("open %s: %w", s.place, err)
}

func checkSource(ctx context.Context, d dialect) error {
	version, err := lookVersion(ctx, d)
	switch {
	case err != nil:
		return fmt.Errorf("the source: %w", err)
	case version == 0:
		return fmt.Errorf("the source: there is no NeoChat database in %s: %w", d.place, ErrNotFound)
	case version < newestMigration:
		return fmt.Errorf("the source: %s has schema %d, this program writes %d: %w", d.place, version, newestMigration, ErrOlderSchema)
	case version > newestMigration:
		return fmt.Errorf("the source: %s has schema %d, this program knows %d: %w", d.place, version, newestMigration, ErrNewerSchema)
	}
	return nil
}

// prepareTarget gives an empty target its tables.
func prepareTarget(ctx context.Context, d dialect, log *slog.Logger) error {
	version, err := lookVersion(ctx, d)
	if err != nil {
		return fmt.Errorf("the target: %w", err)
	}
	switch {
	case version == newestMigration:
		return nil
	case version > newestMigration:
		return fmt.Errorf("the target: %s has schema %d, this program knows %d: %w", d.place, version, newestMigration, ErrNewerSchema)
	case version > 0:
		if empty, err := noUsers(ctx, d); err != nil {
			return fmt.Errorf("the target: %w", err)
		} else if !empty {
			return fmt.Errorf("the target: %s has data already: %w", d.place, ErrConflict)
		}
	}
	if err := d.prepare(); err != nil {
		return fmt.Errorf("the target: %w", err)
	}
	if err := migrate(ctx, d, newestMigration, log); err != nil {
		return fmt.Errorf("the target: %w", err)
	}
	return nil
}

func noUsers(ctx context.Context, d dialect) (bool, error) {
	db, err := d.look()
	if db == nil || err != nil {
		return true, err
	}
	defer db.Close()
	var users int
	err = db.QueryRowContext(ctx, "SELECT COUNT(*) FROM users").Scan(&users)
	return users == 0, err
}

// mark notes in the target whose copy it becomes, or finds that it is this one's already.
func (c *copier) mark(ctx context.Context) error {
	h := fnv.New64a()
	h.Write([]byte(c.from.place))
	source := int64(h.Sum64() >> 1)
	var marked int64
	err := c.to.QueryRowContext(ctx, "SELECT value FROM counters WHERE name = ?", copyingCounter).Scan(&marked)
	switch {
	case err == nil && marked == source:
		return nil
	case err == nil:
		return fmt.Errorf("the target: %s is part of a copy of another database; empty it and begin again: %w", c.to.place, ErrConflict)
	case !errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("the target: %w", err)
	}
	for _, t := range copiedTables {
		var rows int64
		if err := c.to.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+t.name).Scan(&rows); err != nil {
			return fmt.Errorf("the target: %w", err)
		}
		if rows > 0 {
			return fmt.Errorf("the target: %s has data already (%d rows in %s): %w", c.to.place, rows, t.name, ErrConflict)
		}
	}
	if _, err := c.to.ExecContext(ctx, "INSERT INTO counters (name, value) VALUES (?, ?)", copyingCounter, source); err != nil {
		return fmt.Errorf("the target: %w", err)
	}
	return nil
}

// refuseHalfCopied returns ErrHalfCopied for a database that Copy has not completed.
func refuseHalfCopied(ctx context.Context, db *sql.DB, d dialect) error {
	var n int
	if err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM counters WHERE name = ?", copyingCounter).Scan(&n); err != nil {
		return fmt.Errorf("look whether %s is complete: %w", d.place, err)
	}
	if n > 0 {
		return fmt.Errorf("%s: %w", d.place, ErrHalfCopied)
	}
	return nil
}
