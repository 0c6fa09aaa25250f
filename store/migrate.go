package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/pressly/goose/v3"
)

// newestMigration is the schema this program writes.
const newestMigration = 3

//go:embed migrations/sqlite/*.sql migrations/mysql/*.sql
var migrations embed.FS

// refuseNewer looks at an existing database through a read-only connection and
// returns ErrNewerSchema if a newer program has migrated it.
func refuseNewer(ctx context.Context, d dialect) error {
	version, err := lookVersion(ctx, d)
	if err != nil {
		return err
	}
	if version > newestMigration {
		return fmt.Errorf("%s has schema %d, this program knows %d: %w", d.place, version, newestMigration, ErrNewerSchema)
	}
	return nil
}

// lookVersion reads the schema's version and changes nothing; 0 is a database without our tables.
func lookVersion(ctx context.Context, d dialect) (int64, error) {
	db, err := d.look()
	if db == nil || err != nil {
		return 0, err
	}
	defer db.Close()
	version, err := schemaVersion(ctx, db, d)
	if err != nil {
		return 0, fmt.Errorf("read the schema version of %s: %w", d.place, err)
	}
	return version, nil
}

// schemaVersion is 0 for a database without our tables. One that has others' is refused.
func schemaVersion(ctx context.Context, db *sql.DB, d dialect) (int64, error) {
	var ours, all int
	if err := db.QueryRowContext(ctx, d.countTables, goose.DefaultTablename).Scan(&ours); err != nil {
		return 0, err
	}
	if ours == 0 {
		if err := db.QueryRowContext(ctx, d.anyTables).Scan(&all); err != nil {
			return 0, err
		}
		if all > 0 {
			return 0, fmt.Errorf("it has %d tables that are not NeoChat's; give NeoChat a database of its own", all)
		}
		return 0, nil
	}
	var version sql.NullInt64
	err := db.QueryRowContext(ctx, "SELECT MAX(version_id) FROM "+goose.DefaultTablename+" WHERE is_applied").Scan(&version)
	return version.Int64, err
}

// migrate brings the schema up to a version, at most newestMigration.
func migrate(ctx context.Context, d dialect, to int64, log *slog.Logger) (err error) {
	db, err := d.openMigrator()
	if err != nil {
		return err
	}
	defer db.Close()
	dir, err := fs.Sub(migrations, d.migrations)
	if err != nil {
		return fmt.Errorf("embedded migrations: %w", err)
	}
	options, dir, err := d.steps(ctx, db, dir)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	provider, err := goose.NewProvider(d.kind, db, dir, append(options, goose.WithDisableGlobalRegistry(true))...)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	results, err := provider.UpTo(ctx, to)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	for _, r := range results {
		log.Info("database migrated", "version", r.Source.Version, "duration", r.Duration)
	}
	return nil
}
