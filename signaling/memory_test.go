package signaling

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"syscall"
	"time"
)

// memory keeps blobs and uploads, for tests.
type memory struct {
	mu      sync.Mutex
	kept    map[string][]byte        // by hash
	uploads map[string]*memoryUpload // by id
}

type memoryUpload struct {
	size  int64
	bytes []byte
	busy  bool
	hash  string // "": not finished
}

func newMemory() *memory {
	return &memory{kept: map[string][]byte{}, uploads: map[string]*memoryUpload{}}
}

func (m *memory) Put(_ context.Context, r io.Reader) (string, int64, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return "", 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.keepLocked(b), int64(len(b)), nil
}

func (m *memory) keepLocked(b []byte) string {
	hash := fmt.Sprintf("%x", sha256.Sum256(b))
	m.kept[hash] = b
	return hash
}

type blob struct{ *bytes.Reader }

func (blob) Close() error { return nil }

func (m *memory) Open(_ context.Context, hash string) (io.ReadSeekCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.kept[hash]
	if !ok {
		return nil, fmt.Errorf("missing: %w", fs.ErrNotExist)
	}
	return blob{bytes.NewReader(b)}, nil
}

func (m *memory) Remove(_ context.Context, hash string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.kept, hash)
	return nil
}

func (m *memory) Address(context.Context, string, string, string, time.Duration) (string, error) {
	return "", nil
}

func (m *memory) Begin(_ context.Context, id string, size int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.uploads[id] != nil {
		return fs.ErrExist
	}
	m.uploads[id] = &memoryUpload{size: size}
	return nil
}

// uploadLocked is an upload that nobody appends to.
func (m *memory) uploadLocked(id string) (*memoryUpload, error) {
	u := m.uploads[id]
	switch {
	case u == nil:
		return nil, fs.ErrNotExist
	case u.busy:
		return nil, syscall.EBUSY
	}
	return u, nil
}

func (m *memory) Offset(_ context.Context, id string) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if u := m.uploads[id]; u != nil {
		return int64(len(u.bytes)), nil
	}
	return 0, fs.ErrNotExist
}

func (m *memory) Append(_ context.Context, id string, at int64, r io.Reader, whole bool) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	u, err := m.uploadLocked(id)
	if err != nil {
		return 0, err
	}
	if at != int64(len(u.bytes)) {
		return int64(len(u.bytes)), syscall.ESPIPE
	}
	u.busy = true
	m.mu.Unlock()
	b, err := io.ReadAll(r)
	m.mu.Lock()
	u.busy = false
	switch {
	case err != nil && whole:
	case at+int64(len(b)) > u.size:
		err = errors.Join(err, syscall.EFBIG)
	default:
		u.bytes = append(u.bytes, b...)
	}
	return int64(len(u.bytes)), err
}

func (m *memory) Finish(_ context.Context, id string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	u, err := m.uploadLocked(id)
	switch {
	case err != nil:
		return "", err
	case u.hash != "" && m.kept[u.hash] == nil:
		return "", fs.ErrNotExist
	case u.hash != "":
		return u.hash, nil
	case int64(len(u.bytes)) != u.size:
		return "", io.ErrUnexpectedEOF
	}
	u.hash = m.keepLocked(u.bytes)
	return u.hash, nil
}

func (m *memory) Drop(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if u := m.uploads[id]; u != nil && u.busy {
		return syscall.EBUSY
	}
	delete(m.uploads, id)
	return nil
}
