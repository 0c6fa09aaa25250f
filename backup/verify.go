package backup

import (
	"context"
	"errors"
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
	if err := verifyBlobs(ctx, f.blobs, needed, true, &e, progress); err != nil {
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

// verifyBlobs looks for every content that is needed, with its size and, if asked, the hash of its bytes.
func verifyBlobs(ctx context.Context, blobs Blobs, needed map[string]int64, hashes bool, e *Examined, progress Progress) error {
	found := map[string]bool{}
	var present []store.Blob
	err := blobs.List(ctx, func(s files.Stored) error {
		size, ok := needed[s.Hash]
		switch {
		case !ok && time.Since(s.Time) > young:
			e.Orphans++
			e.OrphanBytes += s.Size
		case !ok:
		case size != s.Size:
			found[s.Hash] = true
			e.wrong("the file %s has %d bytes instead of %d", s.Hash, s.Size, size)
		default:
			found[s.Hash] = true
			present = append(present, store.Blob{Hash: s.Hash, Size: s.Size})
		}
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for hash, size := range needed {
		if e.Blobs++; !found[hash] {
			e.wrong("the file %s (%d bytes) is missing", hash, size)
		}
	}
	for i, b := range present {
		e.Bytes += b.Size
		if !hashes {
			continue
		}
		report(progress, "files", int64(i), int64(len(present)))
		if err := verifyBlob(ctx, blobs, b, e); err != nil {
			return err
		}
	}
	return nil
}

func verifyBlob(ctx context.Context, blobs Blobs, b store.Blob, e *Examined) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r, err := blobs.Open(ctx, b.Hash)
	if err == nil {
		var sum string
		if sum, _, err = hashOf(r); err == nil && sum != b.Hash {
			err = ErrDamaged
		}
		err = errors.Join(err, r.Close())
	}
	if err != nil {
		e.wrong("the file %s (%d bytes): %v", b.Hash, b.Size, err)
	}
	return ctx.Err()
}

// young is how old a content must be before it counts as one that nothing names: an upload is stored before it is noted.
const young = time.Hour

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
	needed := map[string]int64{}
	if err := store.EachBlob(ctx, src.Database, func(b store.Blob) error { needed[b.Hash] = b.Size; return nil }); err != nil {
		return e, err
	}
	return e, verifyBlobs(ctx, src.Blobs, needed, hashes, &e, progress)
}
