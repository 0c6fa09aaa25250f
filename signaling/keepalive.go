package signaling

import (
	"context"
	"sync"
	"time"
)

// alarm is a timer that can be set again from its own function, and stopped for good.
type alarm struct {
	mu      sync.Mutex
	timer   *time.Timer // guarded by mu
	stopped bool        // guarded by mu
}

func (a *alarm) set(d time.Duration, f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.stopped {
		a.timer = time.AfterFunc(d, f)
	}
}

func (a *alarm) stop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stopped = true
	if a.timer != nil {
		a.timer.Stop()
	}
}

// keepAlive pings, looks whether the session is still good, and drops a silent peer.
func (c *conn) keepAlive() {
	t := c.srv.cfg.Times
	if time.Since(time.Unix(0, c.lastPong.Load())) > t.Silent {
		c.cancel()
		return
	}
	if c.loggedIn.Load() && !c.stillWelcome() {
		c.revoke()
		return
	}
	every := t.Ping
	if c.calls.Load() > 0 {
		every = t.Call
	}
	c.pings.set(every, c.keepAlive)
	c.ping()
}

// ping waits for the pong, at most as long as a peer may be silent.
func (c *conn) ping() bool {
	ctx, cancel := context.WithTimeout(c.ctx, c.srv.cfg.Times.Silent)
	defer cancel()
	if c.ws.Ping(ctx) != nil {
		return false
	}
	c.lastPong.Store(time.Now().UnixNano())
	return true
}
