package store

import (
	"context"
	"fmt"
)

// Blob is the content of files, or of their previews: the hash of its bytes, and how many those are.
type Blob struct {
	Hash string
	Size int64 // -1: not known, for it is that of previews alone
}

// filesSchema is the first that has previews, and garbage.
const filesSchema = 3

// EachBlob calls f for each content that a file of the database has, or its preview, in the order of their hashes, of one
// state of the database; a server may use it meanwhile. An error of f ends it and is returned.
func EachBlob(ctx context.Context, database string, f func(Blob) error) error {
	contents := func(version int64) string {
		if version < filesSchema {
			return "SELECT hash, MAX(size) FROM files GROUP BY hash ORDER BY hash"
		}
		return `SELECT hash, MAX(size) FROM (SELECT hash, size FROM files UNION ALL
			SELECT preview AS hash, -1 AS size FROM files WHERE preview <> '') AS contents GROUP BY hash ORDER BY hash`
	}
	return eachBlob(ctx, database, contents, f)
}

// EachGarbage calls f for each hash whose bytes no file has any more, and that a server is going to remove; as EachBlob.
func EachGarbage(ctx context.Context, database string, f func(hash string) error) error {
	garbage := func(version int64) string {
		if version < filesSchema {
			return ""
		}
		return "SELECT hash, -1 FROM file_garbage ORDER BY hash"
	}
	return eachBlob(ctx, database, garbage, func(b Blob) error { return f(b.Hash) })
}

// eachBlob calls f for what a statement finds, which depends on the schema; "": nothing does.
func eachBlob(ctx context.Context, database string, statement func(version int64) string, f func(Blob) error) error {
	s, err := openSnapshot(ctx, database)
	if err != nil {
		return err
	}
	defer s.end()
	version, err := schemaVersion(ctx, s.db, s.dialect)
	if err != nil {
		return err
	}
	q := statement(version)
	if q == "" {
		return nil
	}
	rows, err := s.QueryContext(ctx, q)
	if err != nil {
		return fmt.Errorf("read files: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var b Blob
		if err := rows.Scan(&b.Hash, &b.Size); err != nil {
			return fmt.Errorf("read files: %w", err)
		}
		if err := f(b); err != nil {
			return err
		}
	}
	return rows.Err()
}

// NamesOf returns names of files that have a content, or whose preview it is: at most that many, in order.
func NamesOf(ctx context.Context, database, hash string, most int) (names []string, err error) {
	s, err := openSnapshot(ctx, database)
	if err != nil {
		return nil, err
	}
	defer s.end()
	version, err := schemaVersion(ctx, s.db, s.dialect)
	if err != nil {
		return nil, err
	}
	q, args := "SELECT name FROM files WHERE hash = ? ORDER BY name LIMIT ?", []any{hash, most}
	if version >= filesSchema {
		q, args = "SELECT name FROM files WHERE hash = ? OR preview = ? ORDER BY name LIMIT ?", []any{hash, hash, most}
	}
	rows, err := s.QueryContext(ctx, q, args...)
	if err != nil {
		return nil, fmt.Errorf("read files: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, fmt.Errorf("read files: %w", err)
		}
		names = append(names, name)
	}
	return names, rows.Err()
}
