package sdk

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// State keeps what a client has to know after a restart of its program: how far the events were
// handled, and what was not acknowledged yet. One client uses it at a time, from several goroutines.
type State interface {
	// Load returns everything that was saved.
	Load() (map[string]string, error)
	// Save sets these values, all or none; an empty one removes its name.
	Save(change map[string]string) error
}

// FileState is a State in a file to which each change is appended. It outlives the program's
// death at any moment; what was saved just before the machine lost power may be gone, and
// then comes again.
type FileState struct {
	path string

	mu sync.Mutex
	// guarded by mu
	file   *os.File
	values map[string]string
	stale  int // lines of the file that later ones made void
}

// staleLines is how many void lines a file may have before it is written anew.
const staleLines = 10_000

// OpenFileState opens the file, making it if need be. One program at a time may use it.
func OpenFileState(path string) (*FileState, error) {
	s := &FileState{path: path, values: map[string]string{}}
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open the state: %w", err)
	}
	if err := s.read(old); err != nil {
		return nil, fmt.Errorf("read the state %s: %w", path, err)
	}
	if err := s.rewriteLocked(); err != nil {
		return nil, err
	}
	return s, nil
}

// read takes in the lines of a file. One that was cut short by a crash is the last.
func (s *FileState) read(data []byte) error {
	lines := bufio.NewReader(bytes.NewReader(data))
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return nil
		}
		var change map[string]string
		if err := json.Unmarshal(line, &change); err != nil {
			return fmt.Errorf("this is not a state: %w", err)
		}
		s.apply(change)
	}
}

func (s *FileState) apply(change map[string]string) {
	for name, value := range change {
		if value == "" {
			delete(s.values, name)
		} else {
			s.values[name] = value
		}
	}
}

// rewriteLocked makes a file of the present values alone, and puts it in the place of the other.
func (s *FileState) rewriteLocked() error {
	data, err := json.Marshal(s.values)
	if err != nil {
		return fmt.Errorf("write the state: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(s.path), filepath.Base(s.path)+".*") // 0600: unsent texts are in it
	if err != nil {
		return fmt.Errorf("write the state: %w", err)
	}
	_, err = f.Write(append(data, '\n'))
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = os.Rename(f.Name(), s.path)
	}
	if err != nil {
		_ = f.Close()           // the error before matters
		_ = os.Remove(f.Name()) // as above
		return fmt.Errorf("write the state: %w", err)
	}
	if s.file != nil {
		_ = s.file.Close() // it is replaced
	}
	s.file, s.stale = f, 0
	return nil
}

// Load implements State.
func (s *FileState) Load() (map[string]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	values := make(map[string]string, len(s.values))
	for name, value := range s.values {
		values[name] = value
	}
	return values, nil
}

// Save implements State.
func (s *FileState) Save(change map[string]string) error {
	if len(change) == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return fmt.Errorf("write the state: %w", fs.ErrClosed)
	}
	line, err := json.Marshal(change)
	if err != nil {
		return fmt.Errorf("write the state: %w", err)
	}
	s.apply(change)
	if s.stale++; s.stale > staleLines {
		return s.rewriteLocked()
	}
	if _, err := s.file.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write the state: %w", err)
	}
	return nil
}

// Close closes the file, after the client was closed.
func (s *FileState) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	s.file = nil
	if err != nil {
		return fmt.Errorf("close the state: %w", err)
	}
	return nil
}

// noState is what a client has that was given none.
type noState struct{}

func (noState) Load() (map[string]string, error) { return nil, nil }
func (noState) Save(map[string]string) error     { return nil }
