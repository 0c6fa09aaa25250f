package sdk

import (
	"context"
	"fmt"
	"time"

	"github.com/coder/websocket"

	"neochat/wire"
)

// linkBegins tells the deliverer that what follows is of another connection.
type linkBegins struct{}

// linkUp tells the deliverer that the client is connected again. sent are the
// requests that went out anew: once they are answered, own sends are known as such.
type linkUp struct {
	sent []*pending
	down <-chan struct{}
}

// linkDown tells the deliverer that the connection is gone.
type linkDown struct{ err error }

// keepConnected runs until the client ends.
func (c *Client) keepConnected(l *link) {
	for first := true; ; first = false {
		c.attach(l, first)
		err := c.serve(l)
		c.detach(err)
		if final := ending(err); final != nil {
			c.fail(final)
		}
		if l = c.reconnect(); l == nil {
			return
		}
	}
}

// serve waits for the end of a connection, and returns why it came.
func (c *Client) serve(l *link) error {
	select {
	case <-l.done:
	case <-c.ctx.Done():
		l.close(false)
	}
	return l.err
}

// ending returns the error that ends the client, nil where it should come back.
func ending(err error) error {
	if websocket.CloseStatus(err) == wire.CloseNormal {
		return ErrLoggedOut
	}
	return nil
}

// reconnect tries until it succeeds; nil: the client has ended.
func (c *Client) reconnect() *link {
	wait := c.opt.Backoff(1)
	for attempt := 2; ; attempt++ {
		if !c.sleep(wait) {
			return nil
		}
		c.inbox.put(linkBegins{})
		l, err := c.connect(c.ctx)
		if err == nil {
			return l
		}
		if refused(err) {
			c.fail(fmt.Errorf("log in again: %w", err))
			return nil
		}
		c.log.Info("cannot reconnect yet", "attempt", attempt-1, "err", err)
		wait = max(c.opt.Backoff(attempt), retryAfter(err))
	}
}

// sleep waits, and reports whether the client is still alive.
func (c *Client) sleep(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return c.ctx.Err() == nil
	case <-c.ctx.Done():
		return false
	}
}

// connect opens a connection and logs in.
func (c *Client) connect(ctx context.Context) (*link, error) {
	l, err := openLink(ctx, c.base, c.opt.HTTPClient, c.log, c.gotAnswer, c.gotPush)
	if err != nil {
		return nil, err
	}
	if err := c.login(ctx, l); err != nil {
		l.close(ctx.Err() != nil)
		return nil, err
	}
	return l, nil
}

// login tries the session first, so that the password is not asked of the server's
// slow hash at each reconnect, and the password where the session is no longer good.
func (c *Client) login(ctx context.Context, l *link) error {
	c.mu.Lock()
	session, password := c.session, c.password
	c.mu.Unlock()
	if session != "" {
		_, err := l.ask(ctx, "login", message("message_type", "login", "user_account", c.opt.Account, "session", session, "device", c.opt.Device))
		if !refused(err) || password == "" {
			return err
		}
	}
	answer, err := l.ask(ctx, "login", message("message_type", "login", "user_account", c.opt.Account, "user_password", password, "device", c.opt.Device))
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := answer.Get("session"); s != "" {
		c.session = s
	}
	return nil
}

// attach makes l the connection in use, after everything that waited was sent on it
// in the order it was asked.
func (c *Client) attach(l *link, first bool) {
	up := linkUp{down: l.done}
	for {
		c.mu.Lock()
		batch := c.waitingLocked()
		for _, p := range batch {
			p.sent = true
		}
		if len(batch) == 0 {
			c.link = l
			close(c.up)
			c.mu.Unlock()
			if !first {
				c.inbox.put(up)
			}
			return
		}
		c.mu.Unlock()
		for _, p := range batch {
			if l.write(p.frame) != nil {
				l.cancel() // serve notices; detach takes p back
			}
		}
		up.sent = append(up.sent, batch...)
	}
}

// neverTooLarge is a length in bytes that no server ends a connection for: what did
// was something longer, such as a file whose upload has failed already.
const neverTooLarge = 8 << 10

// detach takes the connection out of use. What may be sent again waits for the next one.
func (c *Client) detach(err error) {
	c.mu.Lock()
	c.link, c.up = nil, make(chan struct{})
	if p := c.longestLocked(); p != nil && tooLarge(err) && len(p.frame) > neverTooLarge {
		delete(c.pending, p.task) // sent again, it would end every connection
		p.err = errTooLarge()
		close(p.done)
	}
	for task, p := range c.pending {
		if !p.sent {
			continue
		}
		if p.sent = false; !p.again {
			delete(c.pending, task)
			p.err = fmt.Errorf("%w: %w", ErrConnectionLost, err)
			close(p.done)
		}
	}
	c.mu.Unlock()
	c.inbox.put(linkDown{err})
}

// longestLocked returns the longest of the requests that were sent.
func (c *Client) longestLocked() *pending {
	var longest *pending
	for _, p := range c.pending {
		if p.sent && (longest == nil || len(p.frame) > len(longest.frame)) {
			longest = p
		}
	}
	return longest
}

// fail ends the client for the reason err, unless it has ended already.
func (c *Client) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	c.err = err
	for task, p := range c.pending {
		delete(c.pending, task)
		p.err = err
		close(p.done)
	}
	c.cancel()
}

// gotPush hands a pushed message to the deliverer. What finds no room there comes later by
// sync. For calls there is no later: then the connection is given up, and a new one
// starts with those that ring.
func (c *Client) gotPush(m wire.Message) {
	if c.inbox.put(readEvent(m)) {
		return
	}
	c.log.Warn("events are not read; the connection is dropped", "message_type", m.Get("message_type"))
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.link != nil {
		c.link.cancel()
	}
}
