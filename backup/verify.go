package backup

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"neochat/files"
	"neochat/store"
)

// Examined is what an examination found.
type Examined struct {
	Snapshots []Manifest // of a backup: those that were examined and whose manifests can be read
	Wrong     []string   // what is wrong; nil: nothing is
	Blobs     int64      // contents that were looked for
	Bytes     int64      // of those that were found
	// Orphans are contents that nothing names: of uploads that were broken off, and of snapshots that are gone.
	Orphans, OrphanBytes int64
}

func (e *Examined) wrong(format string, args ...any) {
	e.Wrong = append(e.Wrong, fmt.Sprintf(format, args...))
}

// Verify examines a backup folder, or one snapshot of it: the bytes of every file, the digests of every table, and
// the hash of every content. An error is one of the examination; what is wrong with the backup is in Wrong.
func Verify(ctx context.Context, dir, snapshot string, progress Progress) (e Examined, err error) {
	f, err := openFolder(dir, false)
	if err != nil {
		return e, err
	}
	defer f.close()
	names := []string{snapshot}
	if snapshot == "" {
		if names, err = f.names(); err != nil {
			return e, err
		}
		if len(names) == 0 {
			return e, fmt.Errorf("there is no snapshot in %s: %w", f.root, fs.ErrNotExist)
		}
	}
	needed := map[string]int64{}
	for _, name := range names {
		if err := f.verifySnapshot(ctx, name, needed, &e, progress); err != nil {
			return e, err
		}
	}
	if err := f.verifyBlobs(ctx, needed, &e, progress); err != nil {
		return e, err
	}
	if snapshot != "" {
		e.Orphans, e.OrphanBytes = 0, 0 // other snapshots need them
	}
	return e, nil
}

// verifySnapshot examines all of a snapshot but the contents, which it adds to needed.
func (f *folder) verifySnapshot(ctx context.Context, name string, needed map[string]int64, e *Examined, progress Progress) error {
	report(progress, "snapshot "+name, 0, 0)
	m, err := f.manifest(name)
	if err != nil {
		e.wrong("%v", err)
		return nil
	}
	e.Snapshots = append(e.Snapshots, m)
	for _, b := range m.Missing {
		e.wrong("the snapshot %s: the server itself had lost the file %s (%d bytes) when it was made", name, b.Hash, b.Size)
	}
	whole := true
	for _, file := range m.files() {
		if err := f.check(name, file); err != nil {
			e.wrong("%v", err)
			whole = false
		}
	}
	if !whole {
		return ctx.Err()
	}
	if err := f.verifyDatabase(ctx, m, e); err != nil {
		return err
	}
	lost := map[string]bool{}
	for _, b := range m.Missing {
		lost[b.Hash] = true
	}
	return f.eachListed(name, func(b store.Blob) error {
		if !lost[b.Hash] {
			needed[b.Hash] = b.Size
		}
		return nil
	})
}

func (f *folder) verifyDatabase(ctx context.Context, m Manifest, e *Examined) error {
	path := f.path(m.Name, databaseName)
	wrong, err := store.CheckIntegrity(ctx, path)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		e.wrong("the snapshot %s: %v", m.Name, err)
		return nil
	}
	for _, w := range wrong {
		e.wrong("the snapshot %s: its database: %s", m.Name, w)
	}
	contents, err := store.Digest(ctx, path, nil)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		e.wrong("the snapshot %s: %v", m.Name, err)
	} else if !slices.Equal(contents.Tables, m.Tables) {
		e.wrong("the snapshot %s: its tables have other digests than %s says", m.Name, manifestName)
	}
	return nil
}

// verifyBlobs looks for every content that a backup needs, and reads it.
func (f *folder) verifyBlobs(ctx context.Context, needed map[string]int64, e *Examined, progress Progress) error {
	c, err := files.Compare(ctx, f.blobs, needed, time.Now(), true, func(done, of int64) { report(progress, "files", done, of) })
	e.compared(c)
	return err
}

// compared takes over what was found of contents.
func (e *Examined) compared(c files.Compared) {
	e.Blobs, e.Bytes = c.Files, c.Bytes
	for _, w := range append(c.Missing, c.Changed...) {
		e.wrong("the file %s: %s", w.Hash, w.Reason)
	}
	for _, s := range c.Unwanted {
		e.Orphans++
		e.OrphanBytes += s.Size
	}
}

// young is how old a content must be before it counts as one that nothing names: an upload is stored before it is noted,
// and may be completed by who comes back.
const young = 24 * time.Hour

// VerifyFiles examines the files of a server, whether it runs or not, and changes nothing: that every content that its
// database names is there in its size, with deep also in its bytes. Unwanted is what is a day old and that neither the
// database names nor the server is going to remove.
func VerifyFiles(ctx context.Context, src Source, deep bool, progress Progress) (c files.Compared, err error) {
	wanted, err := src.wanted(ctx)
	if err != nil {
		return c, err
	}
	c, err = files.Compare(ctx, src.Blobs, wanted, time.Now().Add(-young), deep, func(done, of int64) { report(progress, "files", done, of) })
	if err != nil || c.Right() && len(c.Unwanted) == 0 {
		return c, err
	}
	if wanted, err = src.wanted(ctx); err != nil { // people may have uploaded and deleted
		return c, err
	}
	c.Again(wanted)
	going := map[string]bool{}
	err = store.EachGarbage(ctx, src.Database, func(hash string) error { going[hash] = true; return nil })
	c.Unwanted = slices.DeleteFunc(c.Unwanted, func(s files.Stored) bool { return going[s.Hash] })
	return c, err
}

// wanted are the sizes of what the database names, by hash; -1: not known.
func (src Source) wanted(ctx context.Context) (map[string]int64, error) {
	all := map[string]int64{}
	err := store.EachBlob(ctx, src.Database, func(b store.Blob) error { all[b.Hash] = b.Size; return nil })
	return all, err
}

// VerifyData examines a server's data, whether it runs or not, and changes nothing: the database's pages and
// indexes, and that every file it names is there in its size, with hashes also in its bytes.
func VerifyData(ctx context.Context, src Source, hashes bool, progress Progress) (e Examined, err error) {
	report(progress, "database", 0, 0)
	schema, err := store.LookAtSchema(ctx, src.Database)
	switch {
	case err != nil:
		return e, err
	case schema.Newer():
		return e, fmt.Errorf("%s has schema %d, this program knows %d: %w", schema.Place, schema.Version, schema.Wanted, store.ErrNewerSchema)
	}
	if e.Wrong, err = store.CheckIntegrity(ctx, src.Database); err != nil {
		return e, err
	}
	c, err := VerifyFiles(ctx, src, hashes, progress)
	e.compared(c)
	return e, err
}
