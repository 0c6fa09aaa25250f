package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// pieces keeps uploads in a folder on a local disk. up-ID tells what is known of one; up-ID.1, up-ID.2 … are segments
// of its bytes. Without parts there is one segment, which has all of them. With parts a segment that is full goes to the
// store as a part, and then from here, while the next one fills: at most two are here at a time, and of a piece that counts
// only as a whole the one in which it began. When the bytes have become a blob, up-ID stays behind, so that who asks again is told the same.
type pieces struct {
	dir      string
	parts    multipart // nil: there are none
	underway underway
}

// multipart is a store that takes bytes in parts, of which it then makes one thing.
type multipart interface {
	// partSize is how many bytes each part has, but for the last, of an upload of size bytes; 0: it needs no parts.
	partSize(size int64) int64
	// begin begins one and notes in st what the store calls it.
	begin(ctx context.Context, id string, st *uploadState) error
	// put stores the bytes of a file as part n and returns the store's name for it. ErrNotFound: the store does not know
	// the upload any more.
	put(ctx context.Context, st *uploadState, n int, file *os.File) (tag string, err error)
	// drop removes what the store has of one that has not become a blob; nil where that is nothing.
	drop(ctx context.Context, st *uploadState) error
}

func segmentPath(dir, id string, n int) string { return fmt.Sprintf("%s.%d", statePath(dir, id), n) }

// Begin begins an upload of size bytes under an id of 32 characters a-z and 0-9, which its caller makes. ErrFull: there
// is no room for it; fs.ErrExist: there is one of that id.
func (u *pieces) Begin(ctx context.Context, id string, size int64) error {
	if err := u.begin(ctx, id, size); err != nil {
		return fmt.Errorf("beginning an upload: %w", full(err))
	}
	return nil
}

func (u *pieces) begin(ctx context.Context, id string, size int64) (err error) {
	if !validID(id) || size < 0 {
		return fmt.Errorf("%d bytes as %q: %w", size, id, fs.ErrInvalid)
	}
	if _, err := u.underway.take(id); err != nil {
		return err
	}
	defer u.underway.release(id)
	if _, err := os.Lstat(statePath(u.dir, id)); err == nil {
		return fs.ErrExist
	}
	st := uploadState{Size: size, Boot: bootID()}
	if u.parts != nil {
		st.PartSize = u.parts.partSize(size)
	}
	here := size
	if st.PartSize > 0 {
		here = 3 * st.PartSize
	}
	if err := checkRoom(u.dir, here); err != nil {
		return err
	}
	if st.PartSize > 0 {
		if err := u.parts.begin(ctx, id, &st); err != nil {
			return err
		}
	}
	err = errors.Join(os.WriteFile(segmentPath(u.dir, id, 1), nil, 0o600), st.save(u.dir, id, true))
	if err != nil {
		return errors.Join(err, u.forget(ctx, id, st))
	}
	return nil
}

// Offset is how many bytes of an upload are kept. ErrNotFound: there is no such upload.
func (u *pieces) Offset(_ context.Context, id string) (int64, error) {
	if kept, ok := u.underway.offset(id); ok {
		return kept, nil
	}
	st, err := loadUpload(u.dir, id)
	var there int64
	if err == nil {
		there, err = u.there(id, st)
	}
	if err != nil {
		return 0, fmt.Errorf("looking at an upload: %w", err)
	}
	return there, nil
}

// there is how many bytes count of an upload that nobody works on.
func (u *pieces) there(id string, st uploadState) (int64, error) {
	if st.Hash != "" {
		return st.Size, nil
	}
	there := int64(len(st.Parts)) * st.PartSize
	for n := len(st.Parts) + 1; ; n++ {
		info, err := os.Stat(segmentPath(u.dir, id, n))
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return 0, err
		}
		if there += info.Size(); info.Size() != st.PartSize {
			break
		}
	}
	if there < st.Kept { // somebody cleared the folder
		return 0, ErrNotFound
	}
	return st.sound(there), nil
}

// Append adds what r yields until its end to an upload whose Offset is at, and returns its Offset then: these bytes are
// on the disk, or in the store. Where r fails, what it yielded before is kept; with whole nothing of it is. ErrOffset: at
// is not the Offset, which is returned; ErrTooLong: r has more bytes than the upload lacks, and these are still not all there;
// ErrBusy: another call works on this upload; ErrFull: no room, what there was room for is kept; ErrNotFound: there is no
// such upload, or the store has lost it, and it is forgotten.
func (u *pieces) Append(ctx context.Context, id string, at int64, r io.Reader, whole bool) (offset int64, err error) {
	offset, err = u.append(ctx, id, at, r, whole)
	if err != nil {
		return offset, fmt.Errorf("adding to an upload: %w", full(err))
	}
	return offset, nil
}

func (u *pieces) append(ctx context.Context, id string, at int64, r io.Reader, whole bool) (offset int64, err error) {
	p, err := u.open(ctx, id)
	if err != nil {
		return 0, err
	}
	defer p.close()
	if p.have != at {
		return p.have, ErrOffset
	}
	if p.state.Hash != "" {
		return p.have, nil
	}
	if err = p.flush(); err == nil {
		at, err = p.piece(r, whole)
	}
	return at, p.lost(err)
}

// finish hands an upload that has all its bytes, and the hash of these, to become, which makes a blob of them unless that
// was done before. It can be called again whatever happened.
func (u *pieces) finish(ctx context.Context, id string, become func(*partial) error) (hash string, err error) {
	p, err := u.open(ctx, id)
	if err != nil {
		return "", fmt.Errorf("finishing an upload: %w", err)
	}
	defer p.close()
	if p.state.Hash == "" {
		err = p.complete()
	}
	if err == nil {
		err = p.lost(become(p))
	}
	if err == nil {
		err = u.clear(id)
	}
	if err != nil {
		return "", fmt.Errorf("finishing an upload: %w", full(err))
	}
	return p.state.Hash, nil
}

// Drop forgets an upload; what it has become stays. Where there is none it does nothing. ErrBusy: another call works on
// it; any other error: it is still there.
func (u *pieces) Drop(ctx context.Context, id string) error {
	if !validID(id) {
		return nil
	}
	if err := u.drop(ctx, id); err != nil {
		return fmt.Errorf("dropping an upload: %w", err)
	}
	return nil
}

func (u *pieces) drop(ctx context.Context, id string) error {
	if _, err := u.underway.take(id); err != nil {
		return err
	}
	defer u.underway.release(id)
	st, err := loadUpload(u.dir, id)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	return u.forget(ctx, id, st)
}

// forget removes what the store has first, and last what tells of it.
func (u *pieces) forget(ctx context.Context, id string, st uploadState) error {
	if st.Upload != "" {
		if err := u.parts.drop(ctx, &st); err != nil {
			return err
		}
	}
	if err := u.clear(id); err != nil {
		return err
	}
	if err := os.Remove(statePath(u.dir, id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// clear removes the segments.
func (u *pieces) clear(id string) error {
	entries, err := os.ReadDir(u.dir)
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), uploadPrefix+id+".") {
			continue
		}
		if gone := os.Remove(filepath.Join(u.dir, e.Name())); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	return err
}
