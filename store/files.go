package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// File is what is known of an uploaded file; its bytes are elsewhere.
type File struct {
	Name        string // unique
	Owner       string
	Hash        string // of the bytes, as the caller computes it
	ContentType string
	Size        int64 // bytes
	Time        int64 // Unix ms; zero in PutFile: now
}

// PutFile notes a file and returns what is stored under its name. ErrConflict:
// the name stands for other bytes or another owner. ErrNotFound: unknown owner. ErrTooLarge: more
// than Config.Quota in all.
func (s *Store) PutFile(ctx context.Context, f File) (File, error) {
	var stored File
	err := s.write(ctx, func(b *batch) (err error) {
		stored, err = b.putFile(f, s.quota)
		return err
	})
	if err != nil {
		return File{}, err
	}
	return stored, nil
}

func (b *batch) putFile(f File, quota int64) (File, error) {
	old, err := scanFile(b.queryRow(wFile, f.Name))
	switch {
	case err == nil && (old.Hash != f.Hash || old.Owner != f.Owner):
		return File{}, fmt.Errorf("file: %w", ErrConflict)
	case err == nil:
		return old, nil
	case !errors.Is(err, sql.ErrNoRows):
		return File{}, fmt.Errorf("read file: %w", err)
	}
	if err := b.account(f.Owner); err != nil {
		return File{}, err
	}
	if err := b.withinQuota(f.Owner, f.Size, quota); err != nil {
		return File{}, err
	}
	if f.Time == 0 {
		f.Time = b.now
	}
	if _, err := b.exec(wNewFile, f.Name, f.Owner, f.Hash, f.ContentType, f.Size, f.Time); err != nil {
		return File{}, fmt.Errorf("insert file: %w", err)
	}
	return f, nil
}

// Usage is how many bytes the files of account have, those that are under way (see BeginUpload) included, and how many they
// may have in all (0: any number).
func (s *Store) Usage(ctx context.Context, account string) (used, allowed int64, err error) {
	err = s.row(ctx, qUsage, account, account, s.writer.now().UnixMilli()).Scan(&used)
	return used, s.quota, readFailed("usage", err)
}

// ReadableFile returns the file if account owns it or could read a message that
// names it, or it is the avatar of somebody or of a group account is in; otherwise ErrNotFound, as for a
// file that does not exist.
func (s *Store) ReadableFile(ctx context.Context, account, name string) (File, error) {
	f, err := scanFile(s.row(ctx, qFile, name))
	if err != nil || f.Owner == account {
		return f, readFailed("file", err)
	}
	var one int
	err = s.row(ctx, qFileGranted, name, account, name, account).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		err = s.row(ctx, qAvatar, name).Scan(&one)
	}
	if err != nil {
		return File{}, readFailed("file", err)
	}
	return f, nil
}

func scanFile(row scanner) (f File, err error) {
	err = row.Scan(&f.Name, &f.Owner, &f.Hash, &f.ContentType, &f.Size, &f.Time)
	return f, err
}
