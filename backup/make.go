package backup

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"neochat/files"
	"neochat/store"
)

// Source is a server's data. The server may run, and people write.
type Source struct {
	Program  string   // the version of this program
	Database string   // as store.Config.Database
	Blobs    Blobs    // the bytes of files
	Folder   string   // the data folder
	Beside   []string // files and folders in it that belong to the backup; those that are missing are left out
}

// Made is what Make has done.
type Made struct {
	Manifest
	Copied, CopiedBytes int64 // contents that were not in the backup before
	Removed             []string
	Freed, FreedBytes   int64 // contents that no snapshot needs any more
}

// Make adds a snapshot to a backup folder, which it makes if it is missing. keep above 0 then removes all but that
// many of the newest snapshots, and the contents that none needs.
//
// The database is read first, the bytes of files after it: the server stores the bytes of a file before it notes the
// file, and removes them only a day (--files-grace) after no file has them, so what the snapshot names is there by then, whatever is uploaded meanwhile. The other way round
// a file that was uploaded between the two would be named and not kept. Nothing of a snapshot can be seen
// before all of it is on the disk.
//
// A content that is not to be had, or not what its name says, is not kept but noted in Manifest.Missing: what else
// there is must be kept all the same. ErrBusy: another one works there.
func Make(ctx context.Context, dir string, src Source, keep int, progress Progress) (made Made, err error) {
	f, err := openFolder(dir, true)
	if err != nil {
		return made, err
	}
	defer f.close()
	if err := f.clear(); err != nil {
		return made, err
	}
	w := &work{folder: f, src: src, made: &made, progress: progress}
	if err := w.make(ctx); err != nil {
		return made, errors.Join(err, f.clear())
	}
	if keep > 0 {
		err = f.prune(ctx, keep, &made)
	}
	return made, err
}

// unfinished begins the names of what is not complete, or no longer.
const unfinished = "."

// clear removes what others did not complete.
func (f *folder) clear() error {
	entries, err := os.ReadDir(f.snapshots())
	if err != nil {
		return fmt.Errorf("the backup folder: %w", err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), unfinished) {
			if err := os.RemoveAll(f.path(e.Name())); err != nil {
				return fmt.Errorf("the backup folder: %w", err)
			}
		}
	}
	return nil
}

// work is a snapshot in the making.
type work struct {
	*folder
	src      Source
	made     *Made
	progress Progress
	name     string // of its folder, until it is complete
}

func (w *work) make(ctx context.Context) error {
	now := time.Now().UTC().Truncate(time.Millisecond)
	m := &w.made.Manifest
	m.Format, m.Program, m.Time, m.Name = format, w.src.Program, now, now.Format(nameLayout)
	w.name = unfinished + m.Name
	if err := os.Mkdir(w.path(w.name), 0o700); err != nil {
		return fmt.Errorf("the backup folder: %w", err)
	}
	for _, step := range []func(context.Context) error{w.keepDatabase, w.keepBeside, w.keepBlobs, w.digest, w.complete} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (w *work) keepDatabase(ctx context.Context) error {
	schema, err := store.LookAtSchema(ctx, w.src.Database)
	if err != nil {
		return fmt.Errorf("the database: %w", err)
	}
	w.made.From = schema.Place
	return store.Snapshot(ctx, w.src.Database, w.path(w.name, databaseName), w.progress)
}

// keepBeside copies the files that the server has beside its database.
func (w *work) keepBeside(context.Context) error {
	for _, name := range w.src.Beside {
		err := filepath.WalkDir(filepath.Join(w.src.Folder, name), func(at string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // it is not there, or was there a moment ago
			}
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			return w.keepFile(at)
		})
		if err != nil {
			return fmt.Errorf("keeping %s: %w", name, err)
		}
	}
	return nil
}

func (w *work) keepFile(at string) error {
	name, err := filepath.Rel(w.src.Folder, at)
	if err != nil {
		return err
	}
	from, err := os.Open(at)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer from.Close()
	to := w.path(w.name, besideName, name)
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	kept, err := writeFile(to, from)
	kept.Name = path.Join(besideName, filepath.ToSlash(name))
	w.made.Beside = append(w.made.Beside, kept)
	return err
}

// keepBlobs copies what the snapshot names and the backup lacks, and lists all of it.
func (w *work) keepBlobs(ctx context.Context) error {
	there, err := sizes(ctx, w.blobs)
	if err != nil {
		return fmt.Errorf("the backup folder: %w", err)
	}
	list, err := os.OpenFile(w.path(w.name, blobsName), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("the backup folder: %w", err)
	}
	defer list.Close()
	lines, batch := bufio.NewWriter(list), w.blobs.Batch()
	err = store.EachBlob(ctx, w.path(w.name, databaseName), func(b store.Blob) error {
		var err error
		if b.Size, err = w.keepBlob(ctx, batch, there, b); err != nil {
			return fmt.Errorf("keeping a file: %w", err)
		}
		w.made.Blobs++
		w.made.Bytes += b.Size
		report(w.progress, "files", w.made.Blobs, 0)
		_, err = fmt.Fprintln(lines, b.Hash, b.Size)
		return err
	})
	return errors.Join(err, lines.Flush(), list.Sync(), batch.Sync())
}

// keepBlob returns the size of a content that the backup has then, or lacks because the source does.
func (w *work) keepBlob(ctx context.Context, to Blobs, there map[string]int64, b store.Blob) (size int64, err error) {
	if size, ok := there[b.Hash]; ok && (size == b.Size || b.Size < 0) {
		return size, nil
	}
	size, err = copyBlob(ctx, w.src.Blobs, to, b)
	switch {
	case err == nil:
		w.made.Copied++
		w.made.CopiedBytes += size
		return size, nil
	case errors.Is(err, ErrDamaged), errors.Is(err, fs.ErrNotExist) && ctx.Err() == nil:
		b.Size = max(0, b.Size)
		w.made.Missing = append(w.made.Missing, b)
		return b.Size, nil
	}
	return 0, err
}

// digest reads the snapshot as it lies in the backup.
func (w *work) digest(ctx context.Context) error {
	m := &w.made.Manifest
	contents, err := store.Digest(ctx, w.path(w.name, databaseName), func(table string) { report(w.progress, "digest of "+table, 0, 0) })
	if err != nil {
		return err
	}
	m.Schema, m.Change, m.Tables = contents.Schema, contents.Change, contents.Tables
	if contents.LastMessage > 0 {
		m.LastTime = time.UnixMilli(contents.LastMessage).UTC()
	}
	for _, f := range []struct {
		name string
		into *File
	}{{databaseName, &m.Database}, {blobsName, &m.BlobList}} {
		f.into.Name = f.name
		if f.into.SHA256, f.into.Size, err = hashFile(w.path(w.name, f.name)); err != nil {
			return err
		}
	}
	return nil
}

// complete gives the snapshot its name once all of it is on the disk.
func (w *work) complete(context.Context) error {
	text, err := json.MarshalIndent(w.made.Manifest, "", "  ")
	if err != nil {
		return fmt.Errorf("the manifest: %w", err)
	}
	if _, err := writeFile(w.path(w.name, manifestName), strings.NewReader(string(text)+"\n")); err != nil {
		return fmt.Errorf("the manifest: %w", err)
	}
	if err := syncDirs(w.path(w.name)); err != nil {
		return fmt.Errorf("the snapshot: %w", err)
	}
	if err := os.Rename(w.path(w.name), w.path(w.made.Name)); err != nil {
		return fmt.Errorf("the snapshot: %w", err)
	}
	return errors.Join(syncDir(w.snapshots()), syncDir(w.root))
}

// prune removes snapshots and what no other needs. No content is removed unless the list of every snapshot
// that stays could be read.
func (f *folder) prune(ctx context.Context, keep int, made *Made) error {
	names, err := f.names()
	if err != nil {
		return err
	}
	for _, name := range names[:max(0, len(names)-keep)] {
		gone := f.path(unfinished + name)
		if err := errors.Join(os.Rename(f.path(name), gone), syncDir(f.snapshots()), os.RemoveAll(gone)); err != nil {
			return fmt.Errorf("removing the snapshot %s: %w", name, err)
		}
		made.Removed = append(made.Removed, name)
	}
	needed := map[string]bool{}
	for _, name := range names[max(0, len(names)-keep):] {
		m, err := f.manifest(name)
		if err == nil {
			err = f.check(name, m.BlobList)
		}
		if err == nil {
			err = f.eachListed(name, func(b store.Blob) error { needed[b.Hash] = true; return nil })
		}
		if err != nil {
			return fmt.Errorf("no files were removed: %w", err)
		}
	}
	return f.blobs.List(ctx, func(s files.Stored) error {
		if needed[s.Hash] {
			return nil
		}
		made.Freed++
		made.FreedBytes += s.Size
		return f.blobs.Remove(ctx, s.Hash)
	})
}

func report(p Progress, what string, done, of int64) {
	if p != nil {
		p(what, done, of)
	}
}
