package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"neochat/store"
)

// databaseCommand is about where people and messages are kept.
type databaseCommand struct {
	Copy  databaseCopy  `cmd:"" help:"Copy a stopped server's database to another place, of the same kind or the other. Cut off, it continues when it is called again. Uploaded files are not in it: they stay where they are."`
	Check databaseCheck `cmd:"" help:"Tell which schema the database has and what a start of this program would change; nothing is changed. Works while the server runs."`
}

type databaseCopy struct {
	From string `help:"What is copied: the path of an SQLite file (the server's is neochat.db in its data folder) or mysql://user:password@host:port/name." required:"" env:"NEOCHAT_COPY_FROM" placeholder:"DATABASE"`
	To   string `help:"Where to: a path or a mysql:// URL too; it holds no data before." required:"" env:"NEOCHAT_COPY_TO" placeholder:"DATABASE"`
}

// Run copies and compares.
func (c *databaseCopy) Run(ctx context.Context, std streams) error {
	for _, name := range []string{c.From, c.To} {
		lock, err := lockBeside(name)
		if err != nil {
			return err
		}
		if lock != nil {
			defer lock.Close()
		}
	}
	log := slog.New(slog.NewTextHandler(std.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	shown := progress{out: std.err}
	tables, err := store.Copy(ctx, store.CopyConfig{From: c.From, To: c.To, Progress: shown.step, Logger: log})
	printTables(std.out, tables)
	switch {
	case err == nil:
		fmt.Fprintln(std.out, "Source and target are equal. Start the server with --database, or NEOCHAT_DATABASE, set to the target.")
		return nil
	case errors.Is(err, context.Canceled):
		return errors.New("the copy was stopped; the same command continues it")
	case errors.Is(err, store.ErrInUse):
		return fmt.Errorf("copying: %w; stop the server first", err)
	}
	return fmt.Errorf("copying: %w", err)
}

// lockBeside takes the lock of the data folder that a file lies in, if it is one.
func lockBeside(database string) (*os.File, error) {
	dir := filepath.Dir(database)
	if !store.IsFile(database) {
		return nil, nil
	}
	if _, err := os.Stat(filepath.Join(dir, "lock")); err != nil {
		return nil, nil
	}
	return lockData(dir)
}

// progress tells a person how far it is, once in a while.
type progress struct {
	out  io.Writer
	last time.Time
}

func (p *progress) step(table string, rows, of int64) {
	if now := time.Now(); now.Sub(p.last) >= time.Second {
		p.last = now
		switch {
		case of > 0:
			fmt.Fprintf(p.out, "%s: %d of %d\n", table, rows, of)
		case rows > 0:
			fmt.Fprintf(p.out, "%s: %d\n", table, rows)
		default:
			fmt.Fprintln(p.out, table)
		}
	}
}

func printTables(out io.Writer, tables []store.CopiedTable) {
	if tables == nil {
		return
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TABLE\tROWS\tDIGEST\t")
	for _, t := range tables {
		fmt.Fprintf(w, "%s\t%d\t%.16s\t", t.Name, t.FromRows, t.From)
		if t.From != t.To || t.FromRows != t.ToRows {
			fmt.Fprintf(w, "the target has %d rows, %.16s", t.ToRows, t.To)
		}
		fmt.Fprintln(w)
	}
	w.Flush()
}
