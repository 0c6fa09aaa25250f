package files

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"sync/atomic"
)

// pieces keeps uploads in a folder on a local disk, each as two files: up-ID tells what is known of it, up-ID.bytes are
// its bytes so far. When these have become a blob, up-ID stays behind, so that who asks again is told the same.
type pieces struct {
	dir      string
	underway underway
}

func (u *pieces) bytesPath(id string) string { return statePath(u.dir, id) + ".bytes" }

// Begin begins an upload of size bytes under an id of 32 characters a-z and 0-9, which its caller makes. ErrFull: there
// is no room for it; fs.ErrExist: there is one of that id.
func (u *pieces) Begin(_ context.Context, id string, size int64) error {
	err := u.begin(id, size)
	if err != nil {
		return fmt.Errorf("beginning an upload: %w", full(err))
	}
	return nil
}

func (u *pieces) begin(id string, size int64) error {
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
	if err := checkRoom(u.dir, size); err != nil {
		return err
	}
	if err := os.WriteFile(u.bytesPath(id), nil, 0o600); err != nil {
		return err
	}
	st := uploadState{Size: size, Boot: bootID()}
	if err := st.save(u.dir, id, true); err != nil {
		return errors.Join(err, u.forget(id))
	}
	return nil
}

// Offset is how many bytes of an upload are kept. ErrNotFound: there is no such upload.
func (u *pieces) Offset(_ context.Context, id string) (int64, error) {
	if kept, ok := u.underway.offset(id); ok {
		return kept, nil
	}
	st, err := loadUpload(u.dir, id)
	if err != nil {
		return 0, fmt.Errorf("looking at an upload: %w", err)
	}
	if st.Hash != "" {
		return st.Size, nil
	}
	info, err := os.Stat(u.bytesPath(id))
	if errors.Is(err, fs.ErrNotExist) {
		err = ErrNotFound
	}
	if err != nil {
		return 0, fmt.Errorf("looking at an upload: %w", err)
	}
	return st.sound(info.Size()), nil
}

// Append adds what r yields until its end to an upload whose Offset is at, and returns its Offset then: these bytes are
// on the disk. Where r fails, what it yielded before is kept; with whole nothing of it is. ErrOffset: at is not the
// Offset, which is returned; ErrTooLong: r has more bytes than the upload lacks, nothing of it is kept; ErrBusy: another
// call works on this upload; ErrFull: no room, what there was room for is kept.
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
	return p.piece(ctx, r, whole)
}

// finish hands the bytes of an upload to become, which makes a blob of them and removes the file. Where that was done
// before, kept tells whether the blob is still there.
func (u *pieces) finish(ctx context.Context, id string, become func(bytes *os.File, hash string) error, kept func(hash string) error) (hash string, err error) {
	p, err := u.open(ctx, id)
	if err != nil {
		return "", fmt.Errorf("finishing an upload: %w", err)
	}
	defer p.close()
	if p.file == nil {
		err = kept(p.state.Hash)
	} else if err = p.complete(); err == nil {
		err = become(p.file, p.state.Hash)
	}
	if err != nil {
		return "", fmt.Errorf("finishing an upload: %w", full(err))
	}
	return p.state.Hash, nil
}

// Drop forgets an upload; what it has become stays. Where there is none it does nothing. ErrBusy: another call works on it.
func (u *pieces) Drop(_ context.Context, id string) error {
	if !validID(id) {
		return nil
	}
	if _, err := u.underway.take(id); err != nil {
		return fmt.Errorf("dropping an upload: %w", err)
	}
	defer u.underway.release(id)
	if err := u.forget(id); err != nil {
		return fmt.Errorf("dropping an upload: %w", err)
	}
	return nil
}

// forget removes the bytes first, for they take the space.
func (u *pieces) forget(id string) error {
	var errs []error
	for _, path := range []string{u.bytesPath(id), statePath(u.dir, id) + ".new", statePath(u.dir, id)} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// partial is an upload that its holder alone works on.
type partial struct {
	u     *pieces
	id    string
	state uploadState
	file  *os.File // stands at its end; nil: the upload is a blob already
	sum   hash.Hash
	have  int64         // bytes in file
	whole bool          // what is written now counts only when all of it is there
	told  *atomic.Int64 // to who asks for the Offset
}

// open takes an upload; what does not count of its bytes is gone then, and the rest is hashed.
func (u *pieces) open(ctx context.Context, id string) (_ *partial, err error) {
	p := &partial{u: u, id: id}
	if p.told, err = u.underway.take(id); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	if p.state, err = loadUpload(u.dir, id); err != nil {
		return nil, err
	}
	p.have = p.state.Size
	p.file, err = os.OpenFile(u.bytesPath(id), os.O_RDWR|os.O_APPEND, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist) && p.state.Hash != "":
		return p, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, ErrNotFound
	case err != nil:
		return nil, err
	}
	return p, p.readUp(ctx)
}

// readUp cuts off what does not count, and hashes what came after the state was saved.
func (p *partial) readUp(ctx context.Context) error {
	info, err := p.file.Stat()
	if err != nil {
		return err
	}
	p.have = p.state.sound(info.Size())
	if p.have < p.state.Kept {
		return fmt.Errorf("%d bytes are left of %d", p.have, p.state.Kept)
	}
	if err := p.file.Truncate(p.have); err != nil {
		return err
	}
	if p.sum, err = p.state.hasher(); err != nil {
		return fmt.Errorf("the state of the hash: %w", err)
	}
	rest := io.NewSectionReader(p.file, p.state.Kept, p.have-p.state.Kept)
	if _, err := io.CopyBuffer(p.sum, &contextReader{ctx, rest}, make([]byte, copyBuffer)); err != nil {
		return err
	}
	p.told.Store(p.have)
	return nil
}

// close gives the upload free.
func (p *partial) close() {
	if p.file != nil {
		p.file.Close()
	}
	p.u.underway.release(p.id)
}

// Write adds bytes.
func (p *partial) Write(b []byte) (int, error) {
	n, err := p.file.Write(b)
	p.sum.Write(b[:n])
	p.have += int64(n)
	if !p.whole {
		p.told.Store(p.have)
	}
	return n, err
}

// piece adds what r yields, and makes it last.
func (p *partial) piece(ctx context.Context, r io.Reader, whole bool) (offset int64, err error) {
	at := p.have
	before, err := hashState(p.sum)
	if err != nil {
		return at, err
	}
	if err := p.announce(whole); err != nil {
		return at, err
	}
	err = copyPiece(ctx, p, r, p.state.Size-at)
	if err != nil && (whole || errors.Is(err, ErrTooLong)) {
		return at, errors.Join(err, p.back(at, before))
	}
	if failed := p.settle(); failed != nil {
		return at, errors.Join(err, failed, p.back(at, before))
	}
	return p.have, err
}

// announce writes down how the bytes that now come count, should this process die.
func (p *partial) announce(whole bool) error {
	p.whole = whole
	if p.state.Whole == whole && p.state.Boot == bootID() {
		return nil
	}
	p.state.Whole, p.state.Boot = whole, bootID()
	return p.state.save(p.u.dir, p.id, false)
}

// settle makes all bytes that are there last.
func (p *partial) settle() (err error) {
	if err := p.file.Sync(); err != nil {
		return err
	}
	p.state.Kept, p.state.Whole, p.state.Boot = p.have, false, bootID()
	if p.state.Sum, err = hashState(p.sum); err != nil {
		return err
	}
	return p.state.save(p.u.dir, p.id, true)
}

// complete writes down what the hash of all bytes is, before they become a blob.
func (p *partial) complete() error {
	if p.have != p.state.Size {
		return ErrUnfinished
	}
	p.state.Hash = hex.EncodeToString(p.sum.Sum(nil))
	return p.settle()
}

// back takes the upload back to where it was at.
func (p *partial) back(at int64, sum []byte) error {
	p.have = at
	return errors.Join(setHash(p.sum, sum), p.file.Truncate(at), p.settle())
}
