package plugin

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strconv"
	"sync"
	"time"

	"neochat/wire"
)

// conn is one connection of a plugin. Three goroutines share it: the reader takes messages,
// the worker carries them out one after the other, the writer writes. Only they ever wait for
// the plugin.
type conn struct {
	h      *Host
	nc     net.Conn
	ctx    context.Context // ends with the connection
	cancel context.CancelFunc
	in     chan incoming
	gone   chan struct{} // closed when the plugin says no more
	out    chan reply    // closed by the worker
	done   chan struct{} // closed when nothing of the connection runs any more

	plugin *plugin // set by register; owned by the worker
	push   bool    // owned by the worker
}

// incoming is a message, or why it cannot be used.
type incoming struct {
	m   wire.Message
	err *wire.Error
}

// reply is an answer on its way.
type reply struct {
	encoded []byte
	last    bool    // the connection ends with it
	undo    func()  // nil, or called where it could not be written
	push    *plugin // not nil: from here on its messages are pushed
}

func newConn(h *Host, nc net.Conn) *conn {
	c := &conn{h: h, nc: nc, in: make(chan incoming), gone: make(chan struct{}), out: make(chan reply, 4), done: make(chan struct{})}
	c.ctx, c.cancel = context.WithCancel(h.ctx)
	return c
}

// run serves the connection to its end.
func (c *conn) run() {
	defer close(c.done)
	stop := context.AfterFunc(c.ctx, func() { _ = c.nc.Close() }) // frees whoever reads or writes
	defer stop()
	_ = c.nc.SetReadDeadline(time.Now().Add(c.h.opt.Limits.Register)) // a connection that cannot be set is about to fail
	var over sync.WaitGroup
	over.Go(c.read)
	over.Go(c.write)
	c.work()
	over.Wait()
	if p := c.plugin; p != nil {
		c.h.mu.Lock()
		if p.conn == c {
			p.conn = nil
		}
		c.h.mu.Unlock()
	}
}

// read takes messages until there are no more.
func (c *conn) read() {
	defer close(c.in)
	defer close(c.gone)
	r := wire.NewReader(c.nc, false, wire.DefaultLimits())
	for {
		m, err := r.Next()
		var mistake *wire.Error
		if err != nil && !errors.As(err, &mistake) {
			return
		}
		select {
		case c.in <- incoming{m, mistake}:
		case <-c.ctx.Done():
			return
		}
	}
}

// work carries out one message after the other. A plugin that asks too often is not
// listened to for a while.
func (c *conn) work() {
	defer close(c.out)
	for {
		var in incoming
		var ok bool
		select {
		case in, ok = <-c.in:
		case <-c.ctx.Done():
		}
		if !ok || !c.pace() {
			return
		}
		a := c.answer(in)
		select {
		case c.out <- a:
		case <-c.ctx.Done():
			a.notWritten()
			return
		}
		if a.last {
			return
		}
	}
}

// pace waits until the plugin may be answered again; false: the connection has ended.
func (c *conn) pace() bool {
	if c.plugin == nil {
		return true
	}
	for {
		wait := c.plugin.requests.take(time.Now())
		if wait == 0 {
			return true
		}
		if !sleep(c.ctx, wait) {
			return false
		}
	}
}

// write writes answers and pushes until the worker ends or the plugin takes nothing any more.
func (c *conn) write() {
	defer c.cancel()
	var wake <-chan struct{} // nil until messages are pushed
	var p *plugin
	for {
		var err error
		select {
		case a, ok := <-c.out:
			if !ok {
				return
			}
			if err = c.put(a.encoded); err != nil {
				a.notWritten()
			} else if a.push != nil {
				p, wake = a.push, a.push.queue.wake
			}
		case <-wake:
			err = c.pushOne(p)
		}
		if err != nil {
			c.h.log.Info("a plugin takes nothing any more", "error", err)
			c.cancel()
			for a := range c.out {
				a.notWritten()
			}
			return
		}
	}
}

// pushOne writes the next message that waits, and sees to it that those behind it follow.
func (c *conn) pushOne(p *plugin) error {
	it, missed, ok := c.h.next(p)
	if !ok {
		return nil
	}
	err := c.put(withMissed(it.encoded, missed))
	if err != nil {
		p.queue.putBack(it, missed)
	}
	p.queue.poke()
	return err
}

// withMissed adds to an encoded message how many were dropped before it.
func withMissed(encoded []byte, missed int) []byte {
	if missed == 0 {
		return encoded
	}
	lines := bytes.Clone(encoded[:len(encoded)-1])
	return wire.End(wire.AppendInt(lines, "missed", int64(missed)))
}

func (c *conn) put(b []byte) error {
	if err := c.nc.SetWriteDeadline(time.Now().Add(c.h.opt.Limits.Write)); err != nil {
		return err
	}
	_, err := c.nc.Write(b)
	return err
}

func (a reply) notWritten() {
	if a.undo != nil {
		a.undo()
	}
}

// answer carries out a message. What does not begin with register is no plugin, and is
// given no second try.
func (c *conn) answer(in incoming) reply {
	r := result{err: in.err}
	if in.err == nil {
		r = c.carryOut(in.m)
	}
	a := r.reply(in.m)
	a.last = c.plugin == nil
	return a
}

// result is what a call came to.
type result struct {
	lines []wire.Field
	items []wire.Message // where list is set
	list  bool
	err   *wire.Error // nil: stat 200
	retry time.Duration

	undo func()
	push *plugin
}

// reply writes a result down as the answer to m.
func (r result) reply(m wire.Message) reply {
	var head wire.Message
	for _, name := range []string{"task_id", "message_type", "call"} {
		if v := m.Get(name); v != "" && echoable(v) {
			head.Add(name, v)
		}
	}
	stat := wire.StatOK
	if r.err != nil {
		stat, r.lines, r.items, r.list = r.err.Stat, nil, nil, false
	}
	head.Add("stat", strconv.Itoa(stat))
	if r.err != nil {
		head.Add("reason", r.err.Reason)
	}
	if r.retry > 0 {
		head.Add("retry_after", strconv.Itoa(int((r.retry+time.Second-1)/time.Second)))
	}
	head.Fields = append(head.Fields, r.lines...)
	if r.list {
		head.Add("count", strconv.Itoa(len(r.items)))
	}
	encoded, err := encodeAll(append([]wire.Message{head}, r.items...))
	if err != nil {
		return reply{encoded: []byte("message_type: plugin\nstat: 500\nreason: what the server answered cannot be passed on\n\n"), undo: r.undo}
	}
	return reply{encoded: encoded, undo: r.undo, push: r.push}
}

// echoable reports whether a value may stand in an answer: short, and no control characters.
func echoable(v string) bool {
	for _, r := range v {
		if r < ' ' || r == 0x7f {
			return false
		}
	}
	return len(v) <= 64
}

func encodeAll(all []wire.Message) ([]byte, error) {
	var b []byte
	for _, m := range all {
		one, err := wire.Encode(m)
		if err != nil {
			return nil, err
		}
		b = append(b, one...)
	}
	return b, nil
}
