package main

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"time"
)

const (
	tokenLogins   = 2000
	loginAtOnce   = 16
	loginAccounts = 20
)

// logins is what logging in by token came to.
type logins struct{ cpu, took time.Duration }

// logins opens connections one after the other on a few lanes, each logging in with a session token and leaving.
func (p plan) logins(ctx context.Context, dir string) (l logins, err error) {
	s, err := p.start(ctx, filepath.Join(dir, "logins"))
	if err != nil {
		return l, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	names := make([]string, loginAccounts)
	for i := range names {
		names[i] = account("l", i)
	}
	tokens, err := makeAccounts(s.Addr, names)
	if err != nil {
		return l, err
	}
	before, err := s.CPU()
	if err != nil {
		return l, err
	}
	begun := time.Now()
	if err := logInMany(s.Addr, names, tokens); err != nil {
		return l, err
	}
	l.took = time.Since(begun)
	after, err := s.CPU()
	l.cpu = after - before
	return l, err
}

func logInMany(addr string, names, tokens []string) error {
	failed := make([]error, loginAtOnce)
	var lanes sync.WaitGroup
	for lane := range loginAtOnce {
		lanes.Go(func() {
			for i := lane; i < tokenLogins && failed[lane] == nil; i += loginAtOnce {
				k, err := enter(addr, names[i%len(names)], tokens[i%len(names)])
				if err == nil {
					k.conn.Close()
				}
				failed[lane] = err
			}
		})
	}
	lanes.Wait()
	return errors.Join(failed...)
}
