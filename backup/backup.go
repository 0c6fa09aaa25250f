// Package backup keeps copies of a server's data in a folder, gives them back, and examines both.
//
// The folder holds any number of snapshots, which share the bytes of files:
//
//	lock                       taken by who writes, shared by who reads
//	blobs/ab/abcd…             bytes of files, each under the SHA-256 of its content
//	snapshots/NAME/manifest.json
//	snapshots/NAME/neochat.db  one state of the database, as an SQLite file
//	snapshots/NAME/blobs.txt   "hash size" of each content that the database names, in the order of the hashes
//	snapshots/NAME/data/…      what else of the data folder belongs to the server: keys, certificates
//
// NAME is the time of the snapshot in UTC, so that names sort as they came to be. What begins with a dot is
// not complete, or no longer; the next backup removes it.
package backup

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"neochat/files"
	"neochat/store"
)

// Errors that callers tell apart; they come wrapped.
var (
	// ErrBusy: another backup works on the folder.
	ErrBusy = errors.New("another backup works on that folder")
	// ErrDamaged: what is there is not what was written.
	ErrDamaged = files.ErrDamaged
	// ErrNotEmpty: something is where a backup is to be restored to.
	ErrNotEmpty = errors.New("it is not empty")
)

// Blobs is where the bytes of files are, each under the hash of its content.
type Blobs interface {
	Put(ctx context.Context, r io.Reader) (hash string, size int64, err error)
	Open(ctx context.Context, hash string) (io.ReadSeekCloser, error)
	List(ctx context.Context, each func(files.Stored) error) error
}

// Progress is told from time to time how much of how much is done; of is 0 where that is not known.
type Progress func(what string, done, of int64)

// format is the layout that this program writes, and reads.
const format = 1

// names in a snapshot's folder.
const (
	manifestName = "manifest.json"
	databaseName = "neochat.db"
	blobsName    = "blobs.txt"
	besideName   = "data"
)

// nameLayout makes a snapshot's name of its time.
const nameLayout = "2006-01-02T150405.000Z"

// Manifest says what a snapshot is.
type Manifest struct {
	Format   int           `json:"format"`
	Program  string        `json:"neochat"` // the version that wrote it
	Name     string        `json:"name"`
	Time     time.Time     `json:"time"` // everything that was acknowledged before is in it
	From     string        `json:"from"` // the database it is of, without its password
	Schema   int64         `json:"schema"`
	Change   int64         `json:"change"`                // the number of the last thing that happened
	LastTime time.Time     `json:"last_message,omitzero"` // when the last message was stored
	Tables   []store.Table `json:"tables"`
	Database File          `json:"database"`
	BlobList File          `json:"blob_list"`
	Blobs    int64         `json:"blobs"`      // how many contents the list has
	Bytes    int64         `json:"blob_bytes"` // and how large they are together
	Beside   []File        `json:"data"`
	// Missing are contents that the database names and that could not be had, or were damaged, at that time.
	Missing []store.Blob `json:"missing,omitempty"`
}

// File is a file of a snapshot.
type File struct {
	Name   string `json:"name"` // with slashes, below the snapshot's folder
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// folder is a backup folder that is locked.
type folder struct {
	root  string
	lock  *os.File
	blobs *files.Folder
}

// openFolder locks a backup folder. To write, it is made, and nobody else may have it; to read, others may read too.
func openFolder(root string, write bool) (*folder, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("the backup folder: %w", err)
	}
	f := &folder{root: root, blobs: files.LookFolder(filepath.Join(root, "blobs"))}
	how, flags := syscall.LOCK_SH, os.O_RDONLY
	if write {
		how, flags = syscall.LOCK_EX, os.O_CREATE|os.O_RDWR
		if err := os.MkdirAll(f.snapshots(), 0o700); err != nil {
			return nil, fmt.Errorf("the backup folder cannot be made: %w", err)
		}
		if f.blobs, err = files.OpenFolder(filepath.Join(root, "blobs")); err != nil {
			return nil, fmt.Errorf("the backup folder: %w", err)
		}
	}
	f.lock, err = os.OpenFile(filepath.Join(root, "lock"), flags, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no backup in %s: %w", root, err)
	}
	if err != nil {
		return nil, fmt.Errorf("the backup folder: %w", err)
	}
	if err := syscall.Flock(int(f.lock.Fd()), how|syscall.LOCK_NB); err != nil {
		f.lock.Close()
		return nil, fmt.Errorf("%s: %w", root, ErrBusy)
	}
	return f, nil
}

func (f *folder) close() { f.lock.Close() }

func (f *folder) snapshots() string { return filepath.Join(f.root, "snapshots") }

func (f *folder) path(name string, more ...string) string {
	return filepath.Join(append([]string{f.snapshots(), name}, more...)...)
}

// names lists the complete snapshots, the oldest first.
func (f *folder) names() (all []string, err error) {
	entries, err := os.ReadDir(f.snapshots())
	if err != nil {
		return nil, fmt.Errorf("the backup folder: %w", err)
	}
	for _, e := range entries {
		if _, err := time.Parse(nameLayout, e.Name()); err == nil && e.IsDir() {
			all = append(all, e.Name())
		}
	}
	slices.Sort(all)
	return all, nil
}

// manifest reads what a snapshot is.
func (f *folder) manifest(name string) (m Manifest, err error) {
	if _, err := time.Parse(nameLayout, name); err != nil {
		return m, fmt.Errorf("%q is no snapshot's name: they are like %s", name, nameLayout)
	}
	text, err := os.ReadFile(f.path(name, manifestName))
	if err != nil {
		return m, fmt.Errorf("the snapshot %s: %w", name, err)
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("the snapshot %s: its manifest: %w: %w", name, ErrDamaged, err)
	}
	if m.Format != format {
		return m, fmt.Errorf("the snapshot %s has format %d, this program knows %d", name, m.Format, format)
	}
	if m.Name != name {
		return m, fmt.Errorf("the snapshot %s: its manifest is that of %q: %w", name, m.Name, ErrDamaged)
	}
	for _, file := range m.files() {
		if !filepath.IsLocal(filepath.FromSlash(file.Name)) {
			return m, fmt.Errorf("the snapshot %s: its manifest names %q: %w", name, file.Name, ErrDamaged)
		}
	}
	return m, nil
}

// files are all that the manifest has digests of.
func (m Manifest) files() []File { return append([]File{m.Database, m.BlobList}, m.Beside...) }

// check compares a file with what the manifest says of it.
func (f *folder) check(name string, want File) error {
	sum, size, err := hashFile(f.path(name, filepath.FromSlash(want.Name)))
	if err != nil {
		return fmt.Errorf("the snapshot %s: %w", name, err)
	}
	if sum != want.SHA256 || size != want.Size {
		return fmt.Errorf("the snapshot %s: %s has other bytes than were written: %w", name, want.Name, ErrDamaged)
	}
	return nil
}

func hashFile(path string) (sum string, size int64, err error) {
	file, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer file.Close()
	return hashOf(file)
}

func hashOf(r io.Reader) (sum string, size int64, err error) {
	h := sha256.New()
	size, err = io.Copy(h, r)
	return hex.EncodeToString(h.Sum(nil)), size, err
}

// eachListed calls f for each content that a snapshot's list has.
func (f *folder) eachListed(name string, each func(store.Blob) error) error {
	file, err := os.Open(f.path(name, blobsName))
	if err != nil {
		return fmt.Errorf("the snapshot %s: %w", name, err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		b, err := parseBlob(lines.Text())
		if err != nil {
			return fmt.Errorf("the snapshot %s: %s: %w", name, blobsName, err)
		}
		if err := each(b); err != nil {
			return err
		}
	}
	return lines.Err()
}

// parseBlob reads a line of the list.
func parseBlob(line string) (b store.Blob, err error) {
	hash, size, _ := strings.Cut(line, " ")
	b.Hash = hash
	if b.Size, err = strconv.ParseInt(size, 10, 64); err != nil || hash == "" || b.Size < 0 {
		return b, fmt.Errorf("the line %q: %w", line, ErrDamaged)
	}
	return b, nil
}

// sizes are how large what a place keeps is, by hash.
func sizes(ctx context.Context, b Blobs) (map[string]int64, error) {
	all := map[string]int64{}
	err := b.List(ctx, func(s files.Stored) error { all[s.Hash] = s.Size; return nil })
	return all, err
}

// copyBlob brings the bytes of a content from one place to another, and returns how many they are. ErrDamaged: they are
// not what their name says, and were not kept; fs.ErrNotExist: there are none.
func copyBlob(ctx context.Context, from, to Blobs, b store.Blob) (size int64, err error) {
	r, err := from.Open(ctx, b.Hash)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	_, size, err = to.Put(ctx, files.Checked(r, b.Hash, b.Size))
	return size, err
}

// writeFile writes a file whose bytes are on the disk when it returns. It must not be there before.
func writeFile(path string, r io.Reader) (f File, err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return f, err
	}
	h := sha256.New()
	f.Size, err = io.Copy(io.MultiWriter(file, h), r)
	f.SHA256 = hex.EncodeToString(h.Sum(nil))
	return f, errors.Join(err, file.Sync(), file.Close())
}

// syncDirs makes the entries of a folder, and of those in it, last.
func syncDirs(root string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		dir, err := os.Open(path)
		if err != nil {
			return err
		}
		return errors.Join(dir.Sync(), dir.Close())
	})
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
