package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"neochat/bench/process"
)

// groupMembers is the size of the group whose deliveries are measured, the sender included.
const groupMembers = 100

// deliveries are what telling a group's members came to.
type deliveries struct {
	count int           // texts × members but their author
	cpu   time.Duration // of the server
	took  time.Duration
}

func (d deliveries) cpuEach() float64 { return d.cpu.Seconds() * 1e6 / float64(d.count) }

// group lets one member talk to 99 others, each on a connection of its own.
func (p plan) group(ctx context.Context, dir string) (all []deliveries, err error) {
	s, err := p.start(ctx, filepath.Join(dir, "group"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	g := &groupLoad{server: s}
	defer g.close()
	if err := g.gather(); err != nil {
		return nil, err
	}
	for range p.rounds {
		d, err := g.round(ctx, p)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

// groupLoad is a group's members on their connections.
type groupLoad struct {
	server   *process.Process
	talker   *sender
	others   []*socket
	received atomic.Int64
	reading  sync.WaitGroup
}

func (g *groupLoad) gather() error {
	names := make([]string, groupMembers)
	for i := range names {
		names[i] = account("g", i)
	}
	tokens, err := makeAccounts(g.server.Addr, names)
	if err != nil {
		return err
	}
	talker, err := enter(g.server.Addr, names[0], tokens[0])
	if err != nil {
		return err
	}
	id, err := talker.ask("group_id", "message_type: group", "name: bench", "friends: "+strings.Join(names[1:], ","))
	if err != nil {
		return fmt.Errorf("making the group: %w", err)
	}
	if !bytes.Contains(talker.buf, []byte("member_record")) { // the record of its making comes with the answer, or after it
		if _, err := talker.next(); err != nil {
			return err
		}
	}
	g.talker = newSender(talker, "group_id: "+id)
	for i, name := range names[1:] {
		k, err := enter(g.server.Addr, name, tokens[i+1])
		if err != nil {
			return err
		}
		g.others = append(g.others, k)
		g.reading.Go(func() { countTexts(k, &g.received) })
	}
	return nil
}

// round talks for about the plan's length; the sender waits for answers, so it does not outrun the members.
func (g *groupLoad) round(ctx context.Context, p plan) (deliveries, error) {
	if ctx.Err() != nil {
		return deliveries{}, ctx.Err()
	}
	g.received.Store(0)
	before, err := g.server.CPU()
	if err != nil {
		return deliveries{}, err
	}
	begun := time.Now()
	if err := g.talker.run(p.open, begun.Add(p.length)); err != nil {
		return deliveries{}, err
	}
	want := int64(len(g.talker.waits) * len(g.others))
	if err := awaitCount(&g.received, want); err != nil {
		return deliveries{}, err
	}
	took := time.Since(begun)
	after, err := g.server.CPU()
	return deliveries{count: int(want), cpu: after - before, took: took}, err
}

func (g *groupLoad) close() {
	if g.talker != nil {
		g.talker.conn.Close()
	}
	for _, k := range g.others {
		k.conn.Close()
	}
	g.reading.Wait()
}
