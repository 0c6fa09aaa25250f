package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"
)

const (
	coldMessages      = 10_000
	coldConversations = 20
)

// coldSync is what a device that has nothing costs.
type coldSync struct {
	items, pages int
	cpu, took    time.Duration
}

// coldSync lets one account be written to by others, and then reads all of it by sync from the beginning.
func (p plan) coldSync(ctx context.Context, dir string) (c coldSync, err error) {
	s, err := p.start(ctx, filepath.Join(dir, "cold"))
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	names := []string{"cold"}
	for i := range coldConversations {
		names = append(names, account("w", i))
	}
	tokens, err := makeAccounts(s.Addr, names)
	if err != nil {
		return c, err
	}
	for i := range coldConversations {
		if err := fill(s.Addr, names[i+1], tokens[i+1], coldMessages/coldConversations); err != nil {
			return c, err
		}
	}
	k, err := enter(s.Addr, names[0], tokens[0])
	if err != nil {
		return c, err
	}
	defer k.conn.Close()
	before, err := s.CPU()
	if err != nil {
		return c, err
	}
	begun := time.Now()
	if err := c.read(k); err != nil {
		return c, err
	}
	c.took = time.Since(begun)
	after, err := s.CPU()
	c.cpu = after - before
	return c, err
}

// fill sends n texts.
func fill(addr, name, token string, n int) error {
	k, err := enter(addr, name, token)
	if err != nil {
		return err
	}
	defer k.conn.Close()
	from := newSender(k, "friends: cold")
	const together = 50
	for range n / together {
		if err := from.run(together, time.Time{}); err != nil {
			return err
		}
	}
	return nil
}

// read pages until there is no more.
func (c *coldSync) read(k *socket) error {
	after := "0"
	for {
		change, err := k.ask("change", "message_type: sync", "type: GET", "after_change: "+after, "limit: 500")
		if err != nil {
			return err
		}
		c.pages++
		c.items += bytes.Count(k.buf, delivered)
		more := bytes.Contains(k.buf, []byte("more: yes\n"))
		if !more {
			if c.items < coldMessages {
				return fmt.Errorf("sync brought %d of %d messages", c.items, coldMessages)
			}
			return nil
		}
		if _, err := strconv.Atoi(change); err != nil {
			return fmt.Errorf("sync answered the change %q", change)
		}
		after = change
	}
}
