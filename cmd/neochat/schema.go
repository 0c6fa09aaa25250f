package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"neochat/store"
)

// databaseCheck tells what a start of this program would do to a database.
type databaseCheck struct {
	Data     string `help:"Folder of the server's data." default:"data" env:"NEOCHAT_DATA"`
	Database string `help:"The server's --database, if it has one." default:"" env:"NEOCHAT_DATABASE"`
	DryRun   bool   `help:"Run the migrations too, on a snapshot of the SQLite file in a temporary folder beside it, which is then removed."`
}

// Run looks, and changes nothing.
func (c *databaseCheck) Run(ctx context.Context, std streams) error {
	data, err := filepath.Abs(c.Data)
	if err != nil {
		return fmt.Errorf("the data folder: %w", err)
	}
	name := databaseName(c.Database, data)
	schema, err := store.LookAtSchema(ctx, name)
	if err != nil {
		return fmt.Errorf("looking at the database: %w; see to it that --data or --database is right", err)
	}
	fmt.Fprintf(std.out, "%s has schema %d, this neochat (%s) writes %d.\n", schema.Place, schema.Version, version, schema.Wanted)
	switch {
	case schema.Newer():
		return fmt.Errorf("%w: use the newer neochat that wrote it, or restore a backup from before; this one does not start on it", store.ErrNewerSchema)
	case schema.Version == 0:
		fmt.Fprintln(std.out, "There is none yet; a start makes it.")
		return nil
	case len(schema.Pending) == 0:
		fmt.Fprintln(std.out, "A start changes nothing of it.")
		return nil
	}
	fmt.Fprintln(std.out, "A start runs, before it serves:")
	for _, m := range schema.Pending {
		fmt.Fprintln(std.out, "  "+m)
	}
	fmt.Fprintln(std.out, "Make a backup before; there is no way back to the older schema.")
	if !store.IsFile(name) {
		if c.DryRun {
			return errors.New("--dry-run is for SQLite files; copy the database with its own tools and let a server start on the copy")
		}
		return nil
	}
	return c.room(ctx, std, name, schema)
}

// room tells of the space that the migrations of a file need, and tries them.
func (c *databaseCheck) room(ctx context.Context, std streams, name string, schema store.Schema) error {
	var disk unix.Statfs_t
	if err := unix.Statfs(filepath.Dir(name), &disk); err != nil {
		return fmt.Errorf("looking for room: %w", err)
	}
	need, free := 2*schema.Bytes, int64(disk.Bavail)*int64(disk.Bsize) // what changes is in the log too until it is checkpointed
	fmt.Fprintf(std.out, "That may take up to %s more on its disk, where %s are free.\n", inBytes(need), inBytes(free))
	if free < need {
		return errors.New("that may be too little: make room first")
	}
	if !c.DryRun {
		return nil
	}
	took, err := tryMigrations(ctx, name)
	if err != nil {
		return fmt.Errorf("the migrations fail on a snapshot: %w; the database is as it was", err)
	}
	fmt.Fprintf(std.out, "On a snapshot they took %v.\n", took.Round(time.Millisecond))
	return nil
}

// tryMigrations runs them on a snapshot.
func tryMigrations(ctx context.Context, name string) (took time.Duration, err error) {
	dir, err := os.MkdirTemp(filepath.Dir(name), "dry-run-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	copied := filepath.Join(dir, "neochat.db")
	if err := store.Snapshot(ctx, name, copied, nil); err != nil {
		return 0, err
	}
	begun := time.Now()
	s, err := store.Open(ctx, store.Config{Database: copied, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return 0, err
	}
	took = time.Since(begun)
	return took, s.Close()
}
