package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"neochat/bench/process"
)

// settle is how long a server is left alone before its memory is read: longer than it takes to give back what it does not need.
const settle = 8 * time.Second

// cost is what a server costs that does nothing. Sizes are in bytes.
type cost struct {
	startNew, startOld time.Duration
	empty, half, idle  int64
	binary             int64
}

// standing starts a server twice on a folder of its own and looks at it, without and with connections.
func (p plan) standing(ctx context.Context, dir string) (c cost, err error) {
	info, err := os.Stat(p.binary)
	if err != nil {
		return c, fmt.Errorf("looking at the binary: %w", err)
	}
	c.binary = info.Size()
	data := filepath.Join(dir, "idle")
	s, err := p.start(ctx, data)
	if err != nil {
		return c, err
	}
	c.startNew = s.Ready
	tokens, err := accounts(s)
	if err = errors.Join(err, s.Stop()); err != nil {
		return c, err
	}
	if s, err = p.start(ctx, data); err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	c.startOld = s.Ready
	err = p.connections(s, tokens, &c)
	return c, err
}

// idleAccounts share the idle connections: an account may have many.
const idleAccounts = 20

// accounts makes them and returns a session token of each.
func accounts(s *process.Process) ([]string, error) {
	names := make([]string, idleAccounts)
	for i := range names {
		names[i] = account("idle", i)
	}
	return makeAccounts(s.Addr, names)
}

// connections reads the memory before any connection, and after each half of the
// idle ones. The first half partly fits into what starting left free; the second shows what one costs.
func (p plan) connections(s *process.Process, tokens []string, c *cost) (err error) {
	time.Sleep(settle)
	if c.empty, err = s.RSS(); err != nil {
		return err
	}
	for i := range p.idle {
		k, err := enter(s.Addr, account("idle", i%idleAccounts), tokens[i%idleAccounts])
		if err != nil {
			return fmt.Errorf("an idle connection: %w", err)
		}
		defer k.conn.Close()
		if i == p.idle/2-1 {
			time.Sleep(settle)
			if c.half, err = s.RSS(); err != nil {
				return err
			}
		}
	}
	time.Sleep(settle)
	c.idle, err = s.RSS()
	return err
}
