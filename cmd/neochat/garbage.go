package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"neochat/files"
	"neochat/store"
)

const (
	collectEvery = time.Hour
	collectAgain = time.Minute // after a pass that failed
	// walkEvery is how often everything that is kept is listed.
	walkEvery = 24 * time.Hour
	// strayAge is how old bytes are at least that no file has: those of younger ones may be about to get one.
	strayAge = 24 * time.Hour
	// walkPiece is how many hashes are asked for at a time.
	walkPiece = 200
)

// dump is where the bytes of files are, for who removes some.
type dump interface {
	Remove(ctx context.Context, hash string) error
	List(ctx context.Context, each func(files.Stored) error) error
	Strays(ctx context.Context, each func(files.Stray) error) error
	RemoveStray(ctx context.Context, name string) error
}

// sweep removes from now on what nothing refers to, until h.endSweep is called.
func (h *house) sweep(grace time.Duration, log *slog.Logger) {
	ctx, cancel := context.WithCancel(context.Background())
	s, ended := &sweeper{store: h.store, blobs: h.blobs, grace: grace, log: log}, make(chan struct{})
	go func() {
		s.run(ctx)
		close(ended)
	}()
	h.endSweep = func() {
		cancel()
		<-ended
	}
}

// sweeper removes files that nothing refers to, and bytes that no file has.
type sweeper struct {
	store *store.Store
	blobs dump
	grace time.Duration // how long a file stays that nothing refers to, and then its bytes
	log   *slog.Logger

	walked time.Time // when everything was listed
}

// run makes a pass after a while, and from then on again and again until ctx is done.
func (c *sweeper) run(ctx context.Context) {
	every := min(collectEvery, c.grace)
	timer := time.NewTimer(min(every, collectAgain))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-timer.C:
			wait := every
			if err := c.pass(ctx, now); err != nil && ctx.Err() == nil {
				c.log.Warn("what nothing refers to could not be removed; it is tried again", "error", err)
				wait = min(every, collectAgain)
			}
			timer.Reset(wait)
		}
	}
}

// pass removes what is due now.
func (c *sweeper) pass(ctx context.Context, now time.Time) error {
	before := now.Add(-c.grace)
	gone, err := c.collectFiles(ctx, before)
	if err != nil {
		return err
	}
	removed, err := c.removeBytes(ctx, before)
	if gone > 0 || removed > 0 {
		c.log.Info("removed what nothing refers to", "files", gone, "contents", removed)
	}
	if err != nil || now.Sub(c.walked) < walkEvery {
		return err
	}
	if err := c.walk(ctx, now.Add(-strayAge)); err != nil {
		return err
	}
	c.walked = now
	return nil
}

func (c *sweeper) collectFiles(ctx context.Context, before time.Time) (gone int, err error) {
	for {
		looked, deleted, err := c.store.CollectFiles(ctx, before)
		gone += deleted
		if err != nil || looked == 0 {
			return gone, err
		}
	}
}

func (c *sweeper) removeBytes(ctx context.Context, before time.Time) (removed int, err error) {
	for {
		hashes, err := c.store.TakeGarbage(ctx, before)
		if err != nil || len(hashes) == 0 {
			return removed, err
		}
		for i, hash := range hashes {
			if err = c.blobs.Remove(ctx, hash); err != nil {
				err = fmt.Errorf("removing the bytes of a file: %w", err)
				hashes = hashes[:i]
				break
			}
		}
		removed += len(hashes)
		if failed := c.store.GarbageRemoved(ctx, hashes); failed != nil && err == nil {
			err = failed
		}
		if err != nil {
			return removed, err
		}
	}
}

// walk finds bytes, stored before a time, that nothing knows of: those of an upload that was cut off after they were stored and before they
// had a file. They are garbage from now on. What is left of uploads that nobody can go on with is removed at once.
func (c *sweeper) walk(ctx context.Context, before time.Time) error {
	var some []string
	stray := 0
	ask := func() error {
		n, err := c.store.DiscardUnknown(ctx, some)
		stray += n
		some = some[:0]
		return err
	}
	err := c.blobs.List(ctx, func(s files.Stored) error {
		if !s.Time.Before(before) {
			return nil
		}
		if some = append(some, s.Hash); len(some) < walkPiece {
			return nil
		}
		return ask()
	})
	if err == nil {
		err = ask()
	}
	if stray > 0 {
		c.log.Info("found bytes that no file has", "contents", stray)
	}
	if err != nil {
		return err
	}
	return c.blobs.Strays(ctx, func(s files.Stray) error {
		c.log.Info("removing what is left of an upload", "name", s.Name, "bytes", s.Size)
		return c.blobs.RemoveStray(ctx, s.Name)
	})
}
