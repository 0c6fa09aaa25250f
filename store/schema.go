package store

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Schema tells which tables a database has, and which this program wants.
type Schema struct {
	Place   string   // where the database is, without its password
	Version int64    // 0: there is none yet
	Wanted  int64    // what this program writes
	Pending []string // the migrations that a start of this program would run, in their order
	Bytes   int64    // of an SQLite file with its log; 0 of others, which do not tell everybody
}

// Newer reports whether a newer program has used the database, so that this one refuses it.
func (s Schema) Newer() bool { return s.Version > s.Wanted }

// LookAtSchema reads a database's schema and changes nothing; a server may use it meanwhile.
func LookAtSchema(ctx context.Context, database string) (s Schema, err error) {
	d, err := dialectOf(database)
	if err != nil {
		return s, err
	}
	s.Place, s.Wanted = d.place, newestMigration
	if s.Version, err = lookVersion(ctx, d); err != nil {
		return s, err
	}
	names, err := fs.Glob(migrations, d.migrations+"/*.sql")
	if err != nil {
		return s, fmt.Errorf("embedded migrations: %w", err)
	}
	slices.Sort(names)
	for _, name := range names {
		number, _, _ := strings.Cut(path.Base(name), "_")
		if version, err := strconv.ParseInt(number, 10, 64); err != nil {
			return s, fmt.Errorf("number of %s: %w", name, err)
		} else if version > s.Version && !s.Newer() {
			s.Pending = append(s.Pending, path.Base(name))
		}
	}
	if IsFile(database) {
		for _, suffix := range []string{"", "-wal"} {
			if info, err := os.Stat(database + suffix); err == nil {
				s.Bytes += info.Size()
			}
		}
	}
	return s, nil
}
