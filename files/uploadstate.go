package files

import (
	"context"
	"crypto/sha256"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Errors of uploads that callers tell apart; they come wrapped. Those who do not know this package know them as
// syscall.ESPIPE, syscall.EBUSY, syscall.EFBIG and io.ErrUnexpectedEOF.
var (
	ErrOffset     = fmt.Errorf("the upload goes on at another place: %w", syscall.ESPIPE)
	ErrBusy       = fmt.Errorf("somebody writes to the upload: %w", syscall.EBUSY)
	ErrTooLong    = fmt.Errorf("more bytes than the upload was announced to have: %w", syscall.EFBIG)
	ErrUnfinished = fmt.Errorf("bytes of the upload are missing: %w", io.ErrUnexpectedEOF)
)

const (
	// abandonedUpload is how long nobody must have written to an upload before it is swept away.
	abandonedUpload = 30 * 24 * time.Hour
	uploadPrefix    = "up-"
	uploadIDSize    = 32
	copyBuffer      = 128 << 10
)

// uploadState is what is known of an upload, as it stands in a file beside its bytes.
type uploadState struct {
	Size  int64  `json:"size"`            // bytes it will have
	Kept  int64  `json:"kept"`            // bytes that outlive a power cut
	Sum   []byte `json:"sum,omitempty"`   // state of the SHA-256 of these
	Boot  string `json:"boot,omitempty"`  // of the machine, since which bytes may lie behind Kept
	Whole bool   `json:"whole,omitempty"` // what lies behind Kept is of a piece that counts only when all of it is there
	Hash  string `json:"hash,omitempty"`  // set when all is there, before it becomes a blob

	PartSize int64    `json:"part_size,omitempty"` // bytes; 0: it is not sent in parts
	Upload   string   `json:"upload,omitempty"`    // the store's name for it
	Data     string   `json:"data,omitempty"`      // the name of what it becomes there, of no other
	Parts    []string `json:"parts,omitempty"`     // the store's names for those that it has
}

// segment is the number of that segment in which the byte at a place lies, and where in it.
func (st *uploadState) segment(at int64) (n int, in int64) {
	if st.PartSize == 0 {
		return 1, at
	}
	return int(at/st.PartSize) + 1, at % st.PartSize
}

// validID reports whether id can name an upload.
func validID(id string) bool {
	return len(id) == uploadIDSize && strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
}

func statePath(dir, id string) string { return filepath.Join(dir, uploadPrefix+id) }

// loadUpload reads what is known of an upload. ErrNotFound: there is none.
func loadUpload(dir, id string) (st uploadState, err error) {
	if !validID(id) {
		return st, ErrNotFound
	}
	text, err := os.ReadFile(statePath(dir, id))
	if errors.Is(err, fs.ErrNotExist) {
		err = ErrNotFound
	}
	if err != nil {
		return st, err
	}
	return st, json.Unmarshal(text, &st)
}

// save writes the state in place of the one before; lasting: it outlives a power cut when save returns.
func (st *uploadState) save(dir, id string, lasting bool) error {
	text, err := json.Marshal(st)
	if err != nil {
		return err
	}
	path := statePath(dir, id)
	if err := writeSynced(path+".new", text, lasting); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil || !lasting {
		return err
	}
	return syncDir(dir)
}

func writeSynced(path string, text []byte, lasting bool) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err == nil && lasting {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// sound is how many of the bytes that are there count.
func (st *uploadState) sound(there int64) int64 {
	if st.Whole || st.Boot == "" || st.Boot != bootID() {
		return min(st.Kept, there)
	}
	return there
}

// hasher is the SHA-256 of the bytes up to Kept.
func (st *uploadState) hasher() (hash.Hash, error) {
	sum := sha256.New()
	if st.Kept == 0 {
		return sum, nil
	}
	return sum, setHash(sum, st.Sum)
}

func hashState(sum hash.Hash) ([]byte, error) { return sum.(encoding.BinaryMarshaler).MarshalBinary() }

func setHash(sum hash.Hash, state []byte) error {
	return sum.(encoding.BinaryUnmarshaler).UnmarshalBinary(state)
}

// bootID changes when the machine is started anew; "": it is not known.
var bootID = sync.OnceValue(func() string {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
})

// underway are the uploads that somebody works on, each with how many of its bytes are kept. Its zero value has none.
type underway struct {
	mu  sync.Mutex
	all map[string]*atomic.Int64 // guarded by mu; -1: not known yet
}

// take gives the caller an upload until it calls release. ErrBusy: somebody has it.
func (w *underway) take(id string) (kept *atomic.Int64, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all == nil {
		w.all = map[string]*atomic.Int64{}
	}
	if w.all[id] != nil {
		return nil, ErrBusy
	}
	kept = new(atomic.Int64)
	kept.Store(-1)
	w.all[id] = kept
	return kept, nil
}

func (w *underway) release(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.all, id)
}

// offset is how many bytes are kept of an upload that somebody works on.
func (w *underway) offset(id string) (kept int64, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if at := w.all[id]; at != nil {
		kept = at.Load()
		return kept, kept >= 0
	}
	return 0, false
}

// copyPiece copies at most room bytes, until ctx ends. ErrTooLong: r has more.
func copyPiece(ctx context.Context, to io.Writer, r io.Reader, room int64) error {
	r = &contextReader{ctx, r}
	if _, err := io.CopyBuffer(to, io.LimitReader(r, room), make([]byte, copyBuffer)); err != nil {
		return err
	}
	switch n, err := io.ReadFull(r, make([]byte, 1)); {
	case n > 0:
		return ErrTooLong
	case err != io.EOF:
		return err
	}
	return nil
}

// checkRoom tells before the first byte comes that there is no place for size of them.
func checkRoom(dir string, size int64) error {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(dir, &disk); err != nil {
		return err
	}
	if uint64(size) > disk.Bavail*uint64(disk.Bsize) {
		return ErrFull
	}
	return nil
}
