package files

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"math"
	"os"
	"sync/atomic"
)

// partial is an upload that its holder alone works on.
type partial struct {
	u     *pieces
	ctx   context.Context
	id    string
	state uploadState
	file  *os.File // the segment that fills; nil: the upload has its hash, and is a blob or becomes one
	end   int64    // of that segment
	sum   hash.Hash
	have  int64         // bytes of the upload, in parts and here
	whole bool          // what is written now counts only when all of it is there
	begun int           // with whole: the segment that has bytes from before; 0: none
	told  *atomic.Int64 // to who asks for the Offset
	sent  *sentPart     // nil: none is on its way
}

// sentPart is a segment on its way to the store.
type sentPart struct {
	n    int
	sum  []byte // state of the hash at its end; nil: not needed
	tag  string // valid when done is closed, as is err
	err  error
	done chan struct{}
}

// open takes an upload; what does not count of its bytes is gone then, and the rest is hashed.
func (u *pieces) open(ctx context.Context, id string) (_ *partial, err error) {
	p := &partial{u: u, ctx: ctx, id: id}
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
	if p.have, err = u.there(id, p.state); err != nil {
		return nil, err
	}
	if p.state.Hash != "" {
		return p, nil
	}
	if err := p.cut(p.have); err != nil {
		return nil, err
	}
	if err := p.readUp(); err != nil {
		return nil, err
	}
	p.told.Store(p.have)
	return p, nil
}

// cut makes the upload have its first at bytes, and opens the segment in which they end.
func (p *partial) cut(at int64) error {
	n, in := p.state.segment(at)
	if p.end = math.MaxInt64; p.state.PartSize > 0 {
		p.end = int64(n) * p.state.PartSize
	}
	for next := n + 1; ; next++ {
		if err := os.Remove(segmentPath(p.u.dir, p.id, next)); errors.Is(err, fs.ErrNotExist) {
			break
		} else if err != nil {
			return err
		}
	}
	p.have = at
	return p.openSegment(n, in)
}

// openSegment opens the segment that fills from now on, and has size bytes.
func (p *partial) openSegment(n int, size int64) (err error) {
	if p.file != nil {
		p.file.Close()
	}
	if p.file, err = os.OpenFile(segmentPath(p.u.dir, p.id, n), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600); err != nil {
		return err
	}
	return p.file.Truncate(size)
}

// readUp hashes what came after the state was saved.
func (p *partial) readUp() (err error) {
	if p.sum, err = p.state.hasher(); err != nil {
		return fmt.Errorf("the state of the hash: %w", err)
	}
	for at := p.state.Kept; at < p.have; {
		read, err := p.readSegment(p.state.segment(at))
		if err != nil {
			return err
		}
		at += read
	}
	return nil
}

// readSegment hashes a segment from a place in it to its end.
func (p *partial) readSegment(n int, from int64) (int64, error) {
	file, err := os.Open(segmentPath(p.u.dir, p.id, n))
	if err != nil {
		return 0, err
	}
	defer file.Close()
	rest := &contextReader{p.ctx, io.NewSectionReader(file, from, math.MaxInt64-from)}
	read, err := io.CopyBuffer(p.sum, rest, make([]byte, copyBuffer))
	if err == nil && read == 0 {
		err = io.ErrUnexpectedEOF
	}
	return read, err
}

// close gives the upload free.
func (p *partial) close() {
	if p.sent != nil {
		<-p.sent.done
	}
	if p.file != nil {
		p.file.Close()
	}
	p.u.underway.release(p.id)
}

// Write adds bytes.
func (p *partial) Write(b []byte) (n int, err error) {
	for len(b) > 0 && err == nil {
		if p.have == p.end {
			if err := p.next(); err != nil {
				return n, err
			}
		}
		k, failed := p.file.Write(b[:min(int64(len(b)), p.end-p.have)])
		p.sum.Write(b[:k])
		p.have += int64(k)
		n, b, err = n+k, b[k:], failed
		if !p.whole {
			p.told.Store(p.have)
		}
	}
	return n, err
}

// next sends the segment that is full to the store, and opens the next.
func (p *partial) next() error {
	if err := p.arrived(); err != nil {
		return err
	}
	n := int(p.end / p.state.PartSize)
	sum, err := hashState(p.sum)
	if err != nil {
		return err
	}
	p.send(n, sum)
	if err := p.openSegment(n+1, 0); err != nil {
		return err
	}
	p.end += p.state.PartSize
	return nil
}

// send sends a segment to the store, as its next part; sum is the state of the hash at its end.
func (p *partial) send(n int, sum []byte) {
	s := &sentPart{n: n, sum: sum, done: make(chan struct{})}
	p.sent = s
	go func() {
		defer close(s.done)
		file, err := os.Open(segmentPath(p.u.dir, p.id, n))
		if err != nil {
			s.err = err
			return
		}
		defer file.Close()
		s.tag, s.err = p.u.parts.put(p.ctx, &p.state, n, file)
	}()
}

// arrived waits until the segment that is on its way is a part, and no segment any more.
func (p *partial) arrived() error {
	s := p.sent
	if s == nil {
		return nil
	}
	<-s.done
	p.sent = nil
	if s.err != nil {
		return s.err
	}
	p.state.Parts = append(p.state.Parts, s.tag)
	if p.whole {
		if s.n == p.begun {
			return nil // it is needed where the piece fails
		}
	} else {
		if at := int64(s.n) * p.state.PartSize; s.sum != nil && at > p.state.Kept {
			p.state.Kept, p.state.Sum = at, s.sum
		}
		if err := p.state.save(p.u.dir, p.id, true); err != nil {
			return err
		}
	}
	return os.Remove(segmentPath(p.u.dir, p.id, s.n))
}

// flush sends what is full and was left behind by an Append that failed.
func (p *partial) flush() error {
	if p.state.PartSize == 0 || p.have/p.state.PartSize <= int64(len(p.state.Parts)) {
		return nil
	}
	if err := p.settle(); err != nil { // from here on the hash needs no segment that goes
		return err
	}
	for n := len(p.state.Parts) + 1; int64(n)*p.state.PartSize <= p.have; n++ {
		p.send(n, p.state.Sum)
		if err := p.arrived(); err != nil {
			return err
		}
	}
	return nil
}

// piece adds what r yields, and makes it last.
func (p *partial) piece(r io.Reader, whole bool) (offset int64, err error) {
	at := p.have
	before, err := hashState(p.sum)
	if err != nil {
		return at, err
	}
	if err := p.announce(whole); err != nil {
		return at, err
	}
	err = copyPiece(p.ctx, p, r, p.state.Size-at)
	if late := p.arrived(); err == nil {
		err = late
	}
	if err == nil || !whole && !errors.Is(err, ErrTooLong) {
		failed := p.settle()
		if failed == nil {
			return p.have, err
		}
		err = errors.Join(err, failed)
	}
	if sent := int64(len(p.state.Parts)) * p.state.PartSize; !whole && at < sent { // what it began with is not here any more
		at, before = sent, p.state.Sum
	}
	return at, errors.Join(err, p.back(at, before))
}

// announce writes down how the bytes that now come count, should this process die.
func (p *partial) announce(whole bool) error {
	p.whole = whole
	n, in := p.state.segment(p.have)
	if p.begun = n; in == 0 {
		p.begun = 0
	}
	if p.state.Whole == whole && p.state.Boot == bootID() {
		return nil
	}
	p.state.Whole, p.state.Boot = whole, bootID()
	return p.state.save(p.u.dir, p.id, false)
}

// settle makes all bytes that are there last.
func (p *partial) settle() (err error) {
	for n := len(p.state.Parts) + 1; n < p.filling(); n++ {
		if err := syncFile(segmentPath(p.u.dir, p.id, n)); err != nil {
			return err
		}
	}
	if err := p.file.Sync(); err != nil {
		return err
	}
	p.state.Kept, p.state.Whole, p.state.Boot = p.have, false, bootID()
	if p.state.Sum, err = hashState(p.sum); err != nil {
		return err
	}
	if err := p.state.save(p.u.dir, p.id, true); err != nil || !p.whole || p.begun == 0 || p.begun > len(p.state.Parts) {
		return err
	}
	return os.Remove(segmentPath(p.u.dir, p.id, p.begun))
}

// filling is the number of the segment that fills.
func (p *partial) filling() int {
	if p.state.PartSize == 0 {
		return 1
	}
	return int(p.end / p.state.PartSize)
}

// back takes the upload back to where it was at.
func (p *partial) back(at int64, sum []byte) error {
	if size := p.state.PartSize; size > 0 {
		p.state.Parts = p.state.Parts[:min(int64(len(p.state.Parts)), at/size)]
	}
	return errors.Join(setHash(p.sum, sum), p.cut(at), p.settle())
}

// complete writes down what the hash of all bytes is, before they become a blob.
func (p *partial) complete() error {
	if p.have != p.state.Size {
		return ErrUnfinished
	}
	p.state.Hash = hex.EncodeToString(p.sum.Sum(nil))
	return p.settle()
}

// lost forgets an upload of which the store says that there is none.
func (p *partial) lost(err error) error {
	if p.state.Upload != "" && errors.Is(err, ErrNotFound) {
		return errors.Join(err, p.u.forget(p.ctx, p.id, uploadState{}))
	}
	return err
}

func syncFile(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
