package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/coder/websocket"

	"neochat/wire"
)

// pending is a request whose answer has not come.
type pending struct {
	id    uint64 // the order of asking
	task  string
	frame []byte
	again bool // may be sent again after a loss

	sent bool // guarded by Client.mu

	done   chan struct{} // closed once answer or err is set
	answer Answer
	err    error
}

// Do sends a request and waits for its answer; task_id is made here. While there is
// no connection it waits for one. A request that may safely be sent twice (a GET, a
// receipt, anything with a client_message_id) is sent again after a loss; another
// one fails with ErrConnectionLost. An answer other than 200 is a *StatError, beside
// the answer itself. When ctx ends, the request may still be carried out.
func (c *Client) Do(ctx context.Context, m wire.Message) (answer wire.Message, items []wire.Message, err error) {
	a, err := c.exchange(ctx, m)
	return a.Message, a.Items, err
}

// exchange is Do with all that an answer has.
func (c *Client) exchange(ctx context.Context, m wire.Message) (Answer, error) {
	p, l, err := c.enqueue(m, false)
	if err != nil {
		return Answer{}, err
	}
	c.transmit(p, l)
	return c.await(ctx, p)
}

// transmit sends a request on a link; nil: keepConnected does so, on the next one.
func (c *Client) transmit(p *pending, l *link) {
	if l != nil && l.write(p.frame) != nil {
		l.cancel() // keepConnected notices, and sends p again or fails it
	}
}

// enqueue numbers a request and notes that it waits. Where it returns a link, the
// caller sends it there; else keepConnected does, on the next connection. With online it
// notes nothing, and returns no link, while there is none.
func (c *Client) enqueue(m wire.Message, online bool) (*pending, *link, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return nil, nil, c.err
	}
	if online && c.link == nil {
		return nil, nil, nil
	}
	task := strconv.FormatUint(c.tasks+1, 10)
	frame, err := wire.Encode(withTask(task, m))
	if err != nil {
		return nil, nil, err
	}
	c.tasks++
	p := &pending{id: c.tasks, task: task, frame: frame, again: repeatable(m), sent: c.link != nil, done: make(chan struct{})}
	c.pending[task] = p
	return p, c.link, nil
}

// repeatable reports whether carrying m out twice is the same as once.
func repeatable(m wire.Message) bool {
	if m.Get("type") == "GET" || m.Get("client_message_id") != "" {
		return true
	}
	switch m.Get("message_type") {
	case "receipt", "edit", "react", "presence", "block", "sync":
		return true
	case "profile", "group":
		return m.Get("type") == "PATCH"
	case "friend":
		return m.Get("type") == ""
	}
	return false
}

func (c *Client) await(ctx context.Context, p *pending) (Answer, error) {
	select {
	case <-p.done:
	case <-ctx.Done():
		c.mu.Lock()
		delete(c.pending, p.task)
		c.mu.Unlock()
		return Answer{}, ctx.Err()
	}
	if p.err != nil {
		return Answer{}, p.err
	}
	return p.answer, statError(p.answer.Message)
}

// gotAnswer gives an answer to whom it belongs. What it says of our own sends is
// noted first: the deliverer must not take them for holes.
func (c *Client) gotAnswer(a Answer) {
	c.noteOwn(a)
	c.mu.Lock()
	task := a.Message.Get("task_id")
	p := c.pending[task]
	delete(c.pending, task)
	c.mu.Unlock()
	if p == nil {
		if task == "" {
			c.log.Warn("the server found fault with a message", "stat", a.Message.Get("stat"), "reason", a.Message.Get("reason"))
		}
		return
	}
	p.answer = a
	close(p.done)
}

// noteOwn tells the deliverer what an answer says of this client's own doing.
func (c *Client) noteOwn(a Answer) {
	if a.Message.Get("stat") != "200" {
		return
	}
	switch a.Message.Get("message_type") {
	case TypeText, TypeVoice:
		for _, m := range append([]wire.Message{a.Message}, a.Items...) {
			if at := (place{m.Get("conversation"), number(m, "seq")}); at.conversation != "" && at.seq > 0 {
				c.inbox.put(at)
			}
		}
	case "edit", "delete", "react":
		if change := number(a.Message, "change"); change > 0 {
			c.inbox.put(ownChange(change))
		}
	}
}

// waitingLocked returns the requests that are to be sent on a new connection, in the order of asking.
func (c *Client) waitingLocked() []*pending {
	var all []*pending
	for _, p := range c.pending {
		if !p.sent {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b *pending) int { return int(a.id) - int(b.id) })
	return all
}

// exchangeBody sends a request with a body, in a binary frame. It is never sent
// again by itself: the body is gone. Where reading it fails, the connection has to
// be dropped, since what was begun cannot be taken back.
func (c *Client) exchangeBody(ctx context.Context, m wire.Message, body io.Reader) (Answer, error) {
	p, l, err := c.enqueueOnline(ctx, m)
	if err != nil {
		return Answer{}, err
	}
	if err := l.writeBody(ctx, p.frame, body); err != nil {
		return c.brokenOff(ctx, l, p, err)
	}
	return c.await(ctx, p)
}

// brokenOff drops a connection on which a body was begun and not finished. Where the
// server answered already, or was the one to end it, that is what matters, not the
// failed write.
func (c *Client) brokenOff(ctx context.Context, l *link, p *pending, err error) (Answer, error) {
	if errors.Is(err, ErrConnectionLost) {
		select {
		case <-l.done:
		case <-ctx.Done():
		case <-time.After(pongWithin): // the reader notices nothing: give it up
		}
	}
	l.cancel()
	<-l.done
	c.mu.Lock()
	_, waiting := c.pending[p.task]
	delete(c.pending, p.task)
	c.mu.Unlock()
	if !waiting { // answered, or failed by detach: done is closed, or is about to be
		if a, answered := c.await(ctx, p); a.Message.Fields != nil {
			return a, answered
		}
	}
	if tooLarge(l.err) {
		return Answer{}, errTooLarge()
	}
	return Answer{}, err
}

// tooLarge reports whether the server ended the connection because of a message's length.
func tooLarge(err error) bool { return websocket.CloseStatus(err) == wire.CloseTooLarge }

func errTooLarge() error {
	return &StatError{Stat: wire.StatTooLarge, Reason: "that is far more than the server takes"}
}

// enqueueOnline is enqueue for a request that its caller must send itself.
func (c *Client) enqueueOnline(ctx context.Context, m wire.Message) (*pending, *link, error) {
	for {
		c.mu.Lock()
		up := c.up
		c.mu.Unlock()
		if p, l, err := c.enqueue(m, true); err != nil || l != nil {
			return p, l, err
		}
		select {
		case <-up:
		case <-c.ctx.Done():
			return nil, nil, c.Err()
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
}

// bodyError is a failure to read what was to be sent.
type bodyError struct{ error }

func (e bodyError) Unwrap() error { return e.error }

// writeBody sends the lines and the body in one binary frame, piece by piece.
func (l *link) writeBody(ctx context.Context, lines []byte, body io.Reader) error {
	w, err := l.conn.Writer(l.ctx, websocket.MessageBinary)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrConnectionLost, err)
	}
	if _, err := w.Write(append(lines, 0)); err != nil {
		return fmt.Errorf("%w: %w", ErrConnectionLost, err)
	}
	piece := make([]byte, 32<<10)
	for {
		n, rerr := body.Read(piece)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if _, err := w.Write(piece[:n]); err != nil {
			return fmt.Errorf("%w: %w", ErrConnectionLost, err)
		}
		if rerr == io.EOF {
			break
		}
		if rerr != nil {
			return bodyError{fmt.Errorf("read what is to be uploaded: %w", rerr)}
		}
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("%w: %w", ErrConnectionLost, err)
	}
	return nil
}
