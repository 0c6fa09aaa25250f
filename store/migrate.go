package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"github.com/pressly/goose/v3"
)

// newestMigration is the schema this program writes.
const newestMigration = 2

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

// refuseNewer looks at an existing database through a read-only connection and
// returns ErrNewerSchema if a newer program has migrated it.
func refuseNewer(ctx context.Context, d dialect, path string) error {
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("look at the database file: %w", err)
		}
		return nil
	}
	name, err := lookDSN(path)
	if err != nil {
		return err
	}
	db, err := sql.Open(d.driver, name)
	if err != nil {
		return fmt.Errorf("open %s for reading: %w", path, err)
	}
	defer db.Close()
	version, err := schemaVersion(ctx, db, d)
	if err != nil {
		return fmt.Errorf("read the schema version of %s: %w", path, err)
	}
	if version > newestMigration {
		return fmt.Errorf("%s has schema %d, this program knows %d: %w", path, version, newestMigration, ErrNewerSchema)
	}
	return nil
}

// schemaVersion is 0 for a database without our tables.
func schemaVersion(ctx context.Context, db *sql.DB, d dialect) (int64, error) {
	var tables int
	err := db.QueryRowContext(ctx, d.countTables, goose.DefaultTablename).Scan(&tables)
	if err != nil || tables == 0 {
		return 0, err
	}
	var version sql.NullInt64
	err = db.QueryRowContext(ctx, "SELECT MAX(version_id) FROM "+goose.DefaultTablename+" WHERE is_applied").Scan(&version)
	return version.Int64, err
}

// migrate brings the schema up to newestMigration.
func migrate(ctx context.Context, db *sql.DB, d dialect, log *slog.Logger) error {
	dir, err := fs.Sub(migrations, d.migrations)
	if err != nil {
		return fmt.Errorf("embedded migrations: %w", err)
	}
	provider, err := goose.NewProvider(d.goose, db, dir, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	results, err := provider.Up(ctx)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	for _, r := range results {
		log.Info("database migrated", "version", r.Source.Version, "duration", r.Duration)
	}
	return nil
}
