package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// File is what is known of an uploaded file; its bytes are elsewhere.
type File struct {
	Name          string // unique
	Owner         string
	Hash          string // of the bytes, as the caller computes it
	ContentType   string
	Size          int64  // bytes
	Time          int64  // Unix ms; zero in PutFile: now
	Width, Height int64  // pixels as shown; 0: no picture, or not known
	Duration      int64  // ms, of sound and video; 0: not known
	Preview       string // hash of a small picture of it; "": there is none
}

// HasPreview reports whether there is a small picture of the file, or one can be made: it is a picture.
func (f *File) HasPreview() bool {
	return f.Preview != "" || f.Width > 0 && strings.HasPrefix(f.ContentType, "image/")
}

// FileInfo is what a message tells of a file that it names.
type FileInfo struct {
	Name        string `json:"file"`
	Size        int64  `json:"size"`
	ContentType string `json:"content_type"`
	Width       int64  `json:"width,omitempty"`
	Height      int64  `json:"height,omitempty"`
	Duration    int64  `json:"duration_ms,omitempty"`
	Preview     bool   `json:"preview,omitempty"` // see HasPreview
}

// PutFile notes a file whose bytes are stored and returns what is stored under its name. ErrConflict:
// the name stands for other bytes or another owner. ErrNotFound: unknown owner. ErrTooLarge: more
// than Config.Quota in all. ErrBeingRemoved: these bytes are on their way out; store them again later.
//
// Bytes that were garbage a moment ago may have been removed after the caller stored them and before this: who
// stored them looks whether they are there afterwards, and takes the file back with DropFile where they are not.
func (s *Store) PutFile(ctx context.Context, f File) (File, error) {
	return written(ctx, s.writer, func(b *batch) (File, error) { return b.putFile(f, s.quota) })
}

func (b *batch) putFile(f File, quota int64) (File, error) {
	old, err := scanFile(b.queryRow(wFile, f.Name))
	switch {
	case err == nil && (old.Hash != f.Hash || old.Owner != f.Owner):
		return File{}, fmt.Errorf("file: %w", ErrConflict)
	case err == nil:
		if _, err := b.exec(wRefresh, b.now, f.Name); err != nil {
			return File{}, fmt.Errorf("note that a file came again: %w", err)
		}
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
	if err := b.claim(f.Hash, f.Preview); err != nil {
		return File{}, err
	}
	if f.Time == 0 {
		f.Time = b.now
	}
	if _, err := b.exec(wNewFile, f.Name, f.Owner, f.Hash, f.ContentType, f.Size, f.Time, f.Width, f.Height, f.Duration, f.Preview, b.now); err != nil {
		return File{}, fmt.Errorf("insert file: %w", err)
	}
	return f, nil
}

// SetPreview gives a file a small picture of it, whose bytes are stored under that hash, in place of the one under was ("": it has none);
// where its own dimensions are not known they become width and height (pixels). It returns the file, and once more it does the same. ErrNotFound: there is no
// such file. ErrConflict: it has another preview; it is returned. ErrBeingRemoved, and what to look after: as with PutFile.
func (s *Store) SetPreview(ctx context.Context, name, was, preview string, width, height int64) (File, error) {
	return written(ctx, s.writer, func(b *batch) (File, error) { return b.setPreview(name, was, preview, width, height) })
}

func (b *batch) setPreview(name, was, preview string, width, height int64) (File, error) {
	f, err := scanFile(b.queryRow(wFile, name))
	switch {
	case err != nil:
		return File{}, absent(err, "file")
	case f.Preview == preview:
		return f, nil
	case f.Preview != was:
		return f, fmt.Errorf("preview: %w", ErrConflict)
	}
	if err := b.claim(preview); err != nil {
		return File{}, err
	}
	if f.Width == 0 || f.Height == 0 {
		f.Width, f.Height = width, height
	}
	f.Preview = preview
	if _, err := b.exec(wSetPreview, f.Preview, f.Width, f.Height, name); err != nil {
		return File{}, fmt.Errorf("note a preview: %w", err)
	}
	return f, b.discard(was)
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

func scanFile(row scanner, more ...any) (f File, err error) {
	err = row.Scan(append([]any{&f.Name, &f.Owner, &f.Hash, &f.ContentType, &f.Size, &f.Time, &f.Width, &f.Height, &f.Duration, &f.Preview}, more...)...)
	return f, err
}

// OwnFile is a file of somebody's own.
type OwnFile struct {
	File
	Message string // id of the last message that names it and that its owner sees; "": none
}

// FileOrder says which files come first.
type FileOrder int

// The orders.
const (
	LargestFirst FileOrder = iota
	LatestFirst
)

// Key is a file's place in the order: its size in bytes, or its time in Unix ms.
func (o FileOrder) Key(f *File) int64 {
	if o == LatestFirst {
		return f.Time
	}
	return f.Size
}

// OwnFiles lists at most limit files of account, from behind the one whose key in the order and name are given on
// (name "": from the first). more: there are further ones. count is how many it has in all.
func (s *Store) OwnFiles(ctx context.Context, account string, order FileOrder, key int64, name string, limit int) (page []OwnFile, more bool, count int64, err error) {
	if err := s.row(ctx, qOwnFiles, account).Scan(&count); err != nil {
		return nil, false, 0, readFailed("count files", err)
	}
	if name == "" {
		key = math.MaxInt64
	}
	query := qOwnBySize
	if order == LatestFirst {
		query = qOwnByTime
	}
	page, err = collect(ctx, s.read(query), scanOwnFile, account, key, key, name, limit+1)
	if err != nil {
		return nil, false, 0, readFailed("list files", err)
	}
	if more = len(page) > limit; more {
		page = page[:limit]
	}
	return page, more, count, nil
}

func scanOwnFile(row scanner) (f OwnFile, err error) {
	var message sql.NullString
	f.File, err = scanFile(row, &message)
	f.Message = message.String
	return f, err
}

// DropFile deletes a file of account's own, whatever refers to it: the bytes are garbage then, unless another file has
// them. ErrNotFound: there is none that account may read. ErrNotYours: it is another's.
func (s *Store) DropFile(ctx context.Context, account, name string) error {
	return s.write(ctx, func(b *batch) error {
		if _, err := b.mayName(account, []string{name}); errors.Is(err, ErrForbidden) {
			return fmt.Errorf("file: %w", ErrNotFound)
		} else if err != nil {
			return err
		}
		f, err := scanFile(b.queryRow(wFile, name))
		if err != nil {
			return fmt.Errorf("read file: %w", err)
		}
		if f.Owner != account {
			return fmt.Errorf("delete file: %w", ErrNotYours)
		}
		if err := b.flush(); err != nil { // a message that waits may name it
			return err
		}
		return b.dropFile(&f)
	})
}

// named is a file that something is to refer to.
type named struct {
	FileInfo
	owner string
	loose bool // nothing may have referred to it so far
}

// mayName returns the files, or ErrForbidden unless account may read every one.
func (b *batch) mayName(account string, files []string) ([]named, error) {
	var all []named
	for _, name := range files {
		n := named{FileInfo: FileInfo{Name: name}}
		err := b.queryRow(wNamed, name, account, account, account).Scan(&n.owner, &n.Size, &n.ContentType, &n.Width, &n.Height, &n.Duration, &n.Preview, &n.loose)
		if errors.Is(err, sql.ErrNoRows) {
			return nil, fmt.Errorf("file: %w", ErrForbidden)
		}
		if err != nil {
			return nil, fmt.Errorf("read file rights: %w", err)
		}
		all = append(all, n)
	}
	return all, nil
}

// withoutGone returns the names without those that were named before and whose files were deleted since: they hold nobody up
// who changes what else is said.
func (b *batch) withoutGone(names, before []string) (left []string, err error) {
	for _, name := range names {
		if slices.Contains(before, name) {
			_, err := scanFile(b.queryRow(wFile, name))
			if errors.Is(err, sql.ErrNoRows) {
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("read file: %w", err)
			}
		}
		left = append(left, name)
	}
	return left, nil
}

// fasten notes that something refers to the files from now on.
func (b *batch) fasten(files []named) error {
	for i := range files {
		if !files[i].loose {
			continue
		}
		if _, err := b.exec(wFasten, files[i].Name); err != nil {
			return fmt.Errorf("note that a file is referred to: %w", err)
		}
	}
	return nil
}

// loosen notes since when nothing refers to the files, where that is so. What is staged and names one is not seen: for the
// collector it is but a hint.
func (b *batch) loosen(files ...string) error {
	for _, name := range files {
		if name == "" {
			continue
		}
		if _, err := b.exec(wLoosen, b.now, name); err != nil {
			return fmt.Errorf("note that a file is not referred to: %w", err)
		}
	}
	return nil
}

// inOrder returns each name once, in the order in which they first come.
func inOrder(names []string) (once []string) {
	for _, name := range names {
		if !slices.Contains(once, name) {
			once = append(once, name)
		}
	}
	return once
}
