package signaling

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"neochat/store"
	"neochat/wire"
)

const (
	maxMaking   = 64               // previews that are made or wait for their turn
	maxOwner    = 24               // of them, of one owner's files
	makingTime  = time.Minute      // one may take, its turn included
	noneTime    = 10 * time.Minute // a picture of which none can be made is left alone
	maxNone     = 1000             // such pictures that are remembered
	previewWait = 2                // seconds, until it is worth asking again
)

// previews makes small pictures of files when somebody asks for them, each once however many ask. Of the files of one owner it makes one at a
// time: who uploads what takes long holds up nobody but those who look at it.
type previews struct {
	s      *Server
	ctx    context.Context // ends with the server
	cancel context.CancelFunc
	flight singleflight.Group // by the file's name
	making sync.WaitGroup

	mu     sync.Mutex
	now    int                  // how many are made; guarded by mu
	owners map[string]*owner    // of what is made; guarded by mu
	ended  bool                 // guarded by mu
	noneOf map[string]time.Time // until when it is believed that there can be none, by the file's hash; guarded by mu
}

// owner is one of whose files previews are made.
type owner struct {
	turn   chan struct{} // holds one while nobody has it
	making int           // previews that are made or wait; guarded by previews.mu
}

func newPreviews(s *Server) *previews {
	p := &previews{s: s, owners: map[string]*owner{}, noneOf: map[string]time.Time{}}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p
}

// stop ends what is made, and waits for that.
func (p *previews) stop() {
	p.mu.Lock()
	p.ended = true
	p.mu.Unlock()
	p.cancel()
	p.making.Wait()
}

func errNoPreview() error { return refusal(wire.StatNotFound, "there is no preview of this file") }

// errPreviewLater: it could not be made now.
func errPreviewLater() error {
	return refusal(wire.StatUnavailable, "the preview cannot be made now; try again in a few seconds")
}

// of returns the hash of the file's preview, which is made where there is none yet, or where lost is the one that it has. It waits until ctx is done.
func (p *previews) of(ctx context.Context, f *store.File, lost string) (hash string, err error) {
	if f.Preview != lost {
		return f.Preview, nil
	}
	if !isPicture(f.ContentType) || p.none(f.Hash) {
		return "", errNoPreview()
	}
	select {
	case made := <-p.flight.DoChan(f.Name, func() (any, error) { return p.make(f, lost) }):
		hash, _ = made.Val.(string)
		return hash, made.Err
	case <-ctx.Done():
		return "", errPreviewLater()
	}
}

// make makes and stores the preview of a file.
func (p *previews) make(f *store.File, lost string) (hash string, err error) {
	by := p.begin(f.Owner)
	if by == nil {
		return "", errPreviewLater()
	}
	defer p.end(f.Owner)
	ctx, cancel := context.WithTimeout(p.ctx, makingTime)
	defer cancel()
	select {
	case <-by.turn:
	case <-ctx.Done():
		return "", errPreviewLater()
	}
	defer func() { by.turn <- struct{}{} }()
	latest, err := p.s.store.ReadableFile(ctx, f.Owner, f.Name)
	if err != nil || latest.Preview != lost { // it was made since f was read
		return latest.Preview, noFile(err)
	}
	small, err := p.draw(ctx, f)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		p.s.log.Debug("a picture has no preview", "file", f.Name, "error", err)
		p.remember(f.Hash)
		return "", errNoPreview()
	case ctx.Err() != nil:
		return "", errPreviewLater()
	case err != nil:
		p.s.failed(ctx, "making a preview", err)
		return "", errPreviewLater()
	}
	if latest.Width == 0 { // it was uploaded before that was looked at, or when it could not be
		p.s.measure(ctx, &latest)
	}
	kept, err := p.keep(ctx, f.Name, lost, small, latest.Width, latest.Height)
	if errors.Is(err, store.ErrConflict) { // its owner was faster
		err = nil
	}
	return kept.Preview, err
}

func (p *previews) draw(ctx context.Context, f *store.File) ([]byte, error) {
	blob, err := p.s.cfg.Blobs.Open(ctx, f.Hash)
	if err != nil {
		return nil, err
	}
	defer blob.Close()
	return p.s.cfg.Pictures.Preview(ctx, blob)
}

// keep stores a preview and notes it with its file, whose dimensions, where they are not known, are in proportion to these.
func (p *previews) keep(ctx context.Context, name, was string, small []byte, width, height int64) (store.File, error) {
	hash, _, err := p.s.cfg.Blobs.Put(ctx, bytes.NewReader(small))
	if err != nil {
		return store.File{}, p.s.notStored("storing a preview", err)
	}
	f, err := p.s.store.SetPreview(ctx, name, was, hash, width, height)
	if errors.Is(err, store.ErrBeingRemoved) {
		err = errPreviewLater()
	}
	if err != nil {
		return f, noFile(err)
	}
	blob, err := p.s.cfg.Blobs.Open(ctx, hash)
	if errors.Is(err, fs.ErrNotExist) { // it was garbage, and removed before it had a file; from now on it is none
		if _, _, err = p.s.cfg.Blobs.Put(ctx, bytes.NewReader(small)); err != nil {
			err = p.s.notStored("storing a preview", err)
		}
		return f, err
	}
	if err != nil {
		return f, fmt.Errorf("looking for a new preview: %w", err)
	}
	return f, blob.Close()
}

// begin counts in a preview that is to be made of an owner's file; nil: there are too many.
func (p *previews) begin(account string) *owner {
	p.mu.Lock()
	defer p.mu.Unlock()
	by := p.owners[account]
	if p.ended || p.now >= maxMaking || by != nil && by.making >= maxOwner {
		return nil
	}
	if by == nil {
		by = &owner{turn: make(chan struct{}, 1)}
		by.turn <- struct{}{}
		p.owners[account] = by
	}
	p.now++
	by.making++
	p.making.Add(1)
	return by
}

func (p *previews) end(account string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now--
	if by := p.owners[account]; by.making == 1 {
		delete(p.owners, account)
	} else {
		by.making--
	}
	p.making.Done()
}

// none reports whether of a picture no preview could be made a while ago.
func (p *previews) none(hash string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Now().Before(p.noneOf[hash])
}

// remember has a picture left alone for a while.
func (p *previews) remember(hash string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if len(p.noneOf) >= maxNone {
		maps.DeleteFunc(p.noneOf, func(_ string, until time.Time) bool { return !now.Before(until) })
	}
	for old := range p.noneOf {
		if len(p.noneOf) < maxNone {
			break
		}
		delete(p.noneOf, old)
	}
	p.noneOf[hash] = now.Add(noneTime)
}
