package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Upload is a file on its way, whose bytes come in pieces and are kept elsewhere until it becomes a File.
type Upload struct {
	ID       string // unique, of the caller's making
	Owner    string
	Name     string // of the file it becomes
	Size     int64  // bytes that file has
	Carry    []byte // a JSON object of what else its sender said; the store does not look at it
	Created  int64  // Unix ms; set by BeginUpload
	Expires  int64  // Unix ms; from then on it does not exist
	Finished bool   // it has become a file; until it expires that can still be asked
}

// maxUploads is how many uploads of one account may be under way.
const maxUploads = 64

// BeginUpload notes an upload, whose bytes count from now on as if the file were there already. One of the same owner and
// name that was begun before expires: its client has begun anew. ErrConflict: a file of that name has another size.
// ErrTooLarge: more than Config.Quota in all. ErrTooMany: 64 of the owner's are under way. ErrNotFound: unknown owner.
func (s *Store) BeginUpload(ctx context.Context, u Upload) (Upload, error) {
	return written(ctx, s.writer, func(b *batch) (Upload, error) { return b.beginUpload(u, s.quota) })
}

func (b *batch) beginUpload(u Upload, quota int64) (Upload, error) {
	if err := b.account(u.Owner); err != nil {
		return Upload{}, err
	}
	u.Created, u.Finished = b.now, false
	more := u.Size
	old, err := scanFile(b.queryRow(wFile, u.Name))
	switch {
	case err == nil && (old.Size != u.Size || old.Owner != u.Owner):
		return Upload{}, fmt.Errorf("upload: %w", ErrConflict)
	case err == nil:
		more = 0 // the same file again, as far as is known: it counts once
	case !errors.Is(err, sql.ErrNoRows):
		return Upload{}, fmt.Errorf("read file: %w", err)
	}
	var open, before, beforeBytes int64
	if err := b.queryRow(wUploadsOf, u.Name, u.Name, u.Owner, b.now).Scan(&open, &before, &beforeBytes); err != nil {
		return Upload{}, fmt.Errorf("count uploads: %w", err)
	}
	if open-before >= maxUploads {
		return Upload{}, fmt.Errorf("%d uploads: %w", open, ErrTooMany)
	}
	if err := b.withinQuota(u.Owner, more-beforeBytes, quota); err != nil {
		return Upload{}, err
	}
	if before > 0 {
		if _, err := b.exec(wReplaceUpload, b.now, u.Owner, u.Name, b.now); err != nil {
			return Upload{}, fmt.Errorf("expire the upload before: %w", err)
		}
	}
	if _, err := b.exec(wNewUpload, u.ID, u.Owner, u.Name, u.Size, string(u.Carry), u.Created, u.Expires); err != nil {
		return Upload{}, fmt.Errorf("insert upload: %w", err)
	}
	return u, nil
}

// withinQuota returns ErrTooLarge where the account's files and uploads would be more than quota (0: no bound) with so many bytes more.
func (b *batch) withinQuota(account string, more, quota int64) error {
	if quota == 0 {
		return nil
	}
	var used int64
	if err := b.queryRow(wUsage, account, account, b.now).Scan(&used); err != nil {
		return fmt.Errorf("count bytes of files: %w", err)
	}
	if used+more > quota {
		return fmt.Errorf("%d bytes of files: %w", used+more, ErrTooLarge)
	}
	return nil
}

// Upload returns an upload of owner; ErrNotFound: there is none of that id, or it is another's, or it has expired.
func (s *Store) Upload(ctx context.Context, owner, id string) (Upload, error) {
	u, err := scanUpload(s.row(ctx, qUpload, id))
	if err == nil && (u.Owner != owner || u.Expires <= s.writer.now().UnixMilli()) {
		err = sql.ErrNoRows
	}
	if err != nil {
		return Upload{}, readFailed("upload", err)
	}
	return u, nil
}

// KeepUpload makes an upload expire at another time. ErrNotFound: there is none, or it has expired.
func (s *Store) KeepUpload(ctx context.Context, id string, until time.Time) error {
	return s.write(ctx, func(b *batch) error {
		result, err := b.exec(wKeepUpload, until.UnixMilli(), id, b.now)
		if err != nil {
			return fmt.Errorf("keep upload: %w", err)
		}
		n, err := result.RowsAffected()
		if err == nil && n == 0 {
			_, err = b.upload(id) // MySQL counts no row that had this time already
		}
		return err
	})
}

// FinishUpload makes a file of an upload, all at once or not at all, and returns what is stored under its name; again, it
// returns the same. ErrConflict: the name stands for other bytes. ErrNotFound: there is no such upload, or its file is gone.
func (s *Store) FinishUpload(ctx context.Context, id string, f File) (File, error) {
	return written(ctx, s.writer, func(b *batch) (File, error) { return b.finishUpload(id, f) })
}

func (b *batch) finishUpload(id string, f File) (File, error) {
	u, err := b.upload(id)
	if err != nil {
		return File{}, err
	}
	if u.Finished {
		old, err := scanFile(b.queryRow(wFile, u.Name))
		return old, absent(err, "file")
	}
	stored, err := b.putFile(f, 0) // it has counted since it began
	if err != nil {
		return File{}, err
	}
	if _, err := b.exec(wFinishUpload, id); err != nil {
		return File{}, fmt.Errorf("finish upload: %w", err)
	}
	return stored, nil
}

func (b *batch) upload(id string) (Upload, error) {
	u, err := scanUpload(b.queryRow(wUpload, id))
	if err == nil && u.Expires <= b.now {
		err = sql.ErrNoRows
	}
	return u, absent(err, "upload")
}

// ExpireUpload makes an upload expire at once.
func (s *Store) ExpireUpload(ctx context.Context, id string) error {
	return s.write(ctx, func(b *batch) error {
		if _, err := b.exec(wKeepUpload, b.now, id, b.now); err != nil {
			return fmt.Errorf("expire upload: %w", err)
		}
		return nil
	})
}

// ExpiredUploads returns ids of uploads that have expired, the oldest first, at most so many.
func (s *Store) ExpiredUploads(ctx context.Context, most int) ([]string, error) {
	ids, err := collect(ctx, s.read(qExpiredUploads), func(row scanner) (id string, err error) {
		return id, row.Scan(&id)
	}, s.writer.now().UnixMilli(), most)
	return ids, readFailed("expired uploads", err)
}

// DropUpload forgets an upload, if it is there.
func (s *Store) DropUpload(ctx context.Context, id string) error {
	return s.write(ctx, func(b *batch) error {
		if _, err := b.exec(wDropUpload, id); err != nil {
			return fmt.Errorf("drop upload: %w", err)
		}
		return nil
	})
}

func scanUpload(row scanner) (u Upload, err error) {
	err = row.Scan(&u.ID, &u.Owner, &u.Name, &u.Size, &u.Carry, &u.Created, &u.Expires, &u.Finished)
	return u, err
}
