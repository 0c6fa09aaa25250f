package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"neochat/files"
	"neochat/store"
)

// Target is where a backup is restored to. The caller keeps servers off it.
type Target struct {
	Folder   string   // the data folder; it is there
	Ignore   []string // names in it that do not make it a used one, as that of the caller's lock
	Database string   // as store.Config.Database
	// Blobs opens the place of the bytes of files. It is called once the folder is known to be empty, or to be part of the
	// same restoring.
	Blobs func(context.Context) (Blobs, error)
}

// Restored is what Restore has done.
type Restored struct {
	Manifest
	Copied, CopiedBytes int64 // contents that were not there before
}

// marker is a file in a data folder that Restore has begun and not completed.
const marker = "restoring"

// Restoring returns the name of the snapshot that a data folder is being restored from; "": it is not. Of such a
// folder no server must make use.
func Restoring(data string) (string, error) {
	text, err := os.ReadFile(filepath.Join(data, marker))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("the data folder: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// Restore gives a snapshot back, the newest if name is "". All of it is compared with the digests and hashes it was
// written with. Cut off at any time, it continues when it is called again with the same snapshot; until it has succeeded,
// Restoring tells of it. ErrNotEmpty: the target is used. ErrDamaged: the snapshot is not what was written.
func Restore(ctx context.Context, dir, name string, to Target, progress Progress) (r Restored, err error) {
	f, err := openFolder(dir, false)
	if err != nil {
		return r, err
	}
	defer f.close()
	if name == "" {
		if name, err = f.newest(); err != nil {
			return r, err
		}
	}
	if r.Manifest, err = f.manifest(name); err != nil {
		return r, err
	}
	w := &restoring{folder: f, to: to, r: &r, progress: progress}
	for _, step := range []func(context.Context) error{w.claim, w.whole, w.restoreBlobs, w.restoreBeside, w.restoreDatabase, w.complete} {
		if err := step(ctx); err != nil {
			return r, err
		}
	}
	return r, nil
}

func (f *folder) newest() (string, error) {
	names, err := f.names()
	if err == nil && len(names) == 0 {
		err = fmt.Errorf("there is no snapshot in %s: %w", f.root, fs.ErrNotExist)
	}
	if err != nil {
		return "", err
	}
	return names[len(names)-1], nil
}

// restoring is a Restore on its way.
type restoring struct {
	*folder
	to       Target
	r        *Restored
	progress Progress
}

// claim marks the data folder, which holds nothing or a part of the same.
func (w *restoring) claim(context.Context) error {
	begun, err := Restoring(w.to.Folder)
	switch {
	case err != nil:
		return err
	case begun == w.r.Name:
		return nil
	case begun != "":
		return fmt.Errorf("%s is partly restored from the snapshot %s: %w", w.to.Folder, begun, ErrNotEmpty)
	}
	entries, err := os.ReadDir(w.to.Folder)
	if err != nil {
		return fmt.Errorf("the data folder: %w", err)
	}
	for _, e := range entries {
		if !slices.Contains(w.to.Ignore, e.Name()) {
			return fmt.Errorf("%s has %s in it: %w", w.to.Folder, e.Name(), ErrNotEmpty)
		}
	}
	if store.IsFile(w.to.Database) {
		if _, err := os.Lstat(w.to.Database); err == nil {
			return fmt.Errorf("%s is there already: %w", w.to.Database, ErrNotEmpty)
		}
	}
	if _, err := writeFile(filepath.Join(w.to.Folder, marker), strings.NewReader(w.r.Name+"\n")); err != nil {
		return fmt.Errorf("the data folder: %w", err)
	}
	return syncDir(w.to.Folder)
}

// whole compares the snapshot's files with the manifest before anything of them is used.
func (w *restoring) whole(context.Context) error {
	for _, file := range w.r.files() {
		report(w.progress, "checking "+file.Name, 0, 0)
		if err := w.check(w.r.Name, file); err != nil {
			return err
		}
	}
	return nil
}

func (w *restoring) restoreBlobs(ctx context.Context) error {
	to, err := w.to.Blobs(ctx)
	if err != nil {
		return err
	}
	there, err := sizes(ctx, to)
	if err != nil {
		return err
	}
	if folder, ok := to.(*files.Folder); ok {
		batch := folder.Batch()
		return errors.Join(w.copyBlobs(ctx, batch, there), batch.Sync())
	}
	return w.copyBlobs(ctx, to, there)
}

func (w *restoring) copyBlobs(ctx context.Context, to Blobs, there map[string]int64) error {
	lost := map[string]bool{}
	for _, b := range w.r.Missing {
		lost[b.Hash] = true
	}
	var done int64
	return w.eachListed(w.r.Name, func(b store.Blob) error {
		done++
		report(w.progress, "files", done, w.r.Blobs)
		if size, ok := there[b.Hash]; lost[b.Hash] || ok && size == b.Size {
			return ctx.Err()
		}
		if _, err := copyBlob(ctx, w.blobs, to, b); err != nil {
			return fmt.Errorf("restoring a file: %w", err)
		}
		w.r.Copied++
		w.r.CopiedBytes += b.Size
		return nil
	})
}

func (w *restoring) restoreBeside(context.Context) error {
	for _, file := range w.r.Beside {
		name := strings.TrimPrefix(file.Name, besideName+"/")
		if err := w.restoreFile(file, filepath.Join(w.to.Folder, filepath.FromSlash(name)), nil); err != nil {
			return fmt.Errorf("restoring %s: %w", name, err)
		}
	}
	return nil
}

// restoreFile copies a file of the snapshot, and gives it its name once its bytes are on the disk and, where there is
// a check, that agrees.
func (w *restoring) restoreFile(file File, to string, check func(part string) error) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	from, err := os.Open(w.path(w.r.Name, filepath.FromSlash(file.Name)))
	if err != nil {
		return err
	}
	defer from.Close()
	part := to + "." + marker
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	got, err := writeFile(part, from)
	if err == nil && got.SHA256 != file.SHA256 {
		err = ErrDamaged
	}
	if err == nil && check != nil {
		err = check(part)
	}
	if err != nil {
		return errors.Join(err, os.Remove(part))
	}
	return errors.Join(os.Rename(part, to), syncDir(filepath.Dir(to)))
}

// restoreDatabase comes last, and is compared with the digests.
func (w *restoring) restoreDatabase(ctx context.Context) error {
	report(w.progress, "database", 0, 0)
	var err error
	if store.IsFile(w.to.Database) {
		err = w.restoreFile(w.r.Database, w.to.Database, func(part string) error { return w.compare(ctx, part) })
	} else {
		err = w.copyDatabase(ctx)
	}
	if err != nil {
		return fmt.Errorf("restoring the database: %w", err)
	}
	return nil
}

func (w *restoring) compare(ctx context.Context, database string) error {
	contents, err := store.Digest(ctx, database, func(table string) { report(w.progress, "digest of "+table, 0, 0) })
	if err != nil {
		return err
	}
	return w.same(contents.Tables)
}

func (w *restoring) same(tables []store.Table) error {
	if !slices.Equal(tables, w.r.Tables) {
		return fmt.Errorf("its tables have other digests than %s says: %w", manifestName, ErrDamaged)
	}
	return nil
}

// copyDatabase fills a database that is no file.
func (w *restoring) copyDatabase(ctx context.Context) error {
	copied, err := store.Copy(ctx, store.CopyConfig{From: w.path(w.r.Name, databaseName), To: w.to.Database, Beside: true, Progress: w.progress})
	if err != nil {
		return err
	}
	var tables []store.Table
	for _, t := range copied {
		tables = append(tables, store.Table{Name: t.Name, Rows: t.ToRows, Digest: t.To})
	}
	return w.same(tables)
}

func (w *restoring) complete(context.Context) error {
	if err := os.Remove(filepath.Join(w.to.Folder, marker)); err != nil {
		return fmt.Errorf("the data folder: %w", err)
	}
	return syncDir(w.to.Folder)
}
