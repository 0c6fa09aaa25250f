package signaling

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"neochat/wire"
)

// writeTimeout is how long one frame may take to leave before the peer counts as too slow.
const writeTimeout = 10 * time.Second

// maxOpen is how many sends of one connection may be on their way to the database.
const maxOpen = 64

// conn is one WebSocket connection.
type conn struct {
	srv     *Server
	ws      *websocket.Conn
	link    *link
	def     string // message_type of messages that carry none
	address string // of the peer, without port
	host    string // the server, as the upgrade request named it
	token   string // session token of the upgrade request; "" if it had none
	ctx     context.Context
	cancel  context.CancelFunc // ends ctx, and the socket with it
	out     outbox
	open    chan struct{}  // a token for each send on its way to the database
	sends   sync.WaitGroup // those sends; added to and waited for by the reader alone

	// Set by the reader at login, before the connection is in the hub; not changed afterwards.
	account, device string  // of a guest, what stands in their place
	guest           bool    // of one call, whose session ends with it
	requests        *bucket // nil: no bounds

	session atomic.Pointer[string] // public id of the session that logged in; a change of password replaces it
	revoked atomic.Bool            // that session has ended: nothing more is read from here

	loggedIn  atomic.Bool
	away      atomic.Bool  // the person is not at this device
	calls     atomic.Int32 // calls this connection takes part in
	lastPong  atomic.Int64 // Unix ns
	closeOnce sync.Once
	closed    chan struct{} // closed when the closing handshake has ended

	pings   alarm
	backlog backlog // of a plain device
}

// upgrade serves one of the three WebSocket URLs.
func (s *Server) upgrade(def string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !sameOrigin(r) {
			http.Error(w, "this page does not belong to this server", http.StatusForbidden)
			return
		}
		if !knownSubprotocol(r) {
			http.Error(w, "none of the offered WebSocket subprotocols is known here; offer "+wire.Subprotocol+" or none", http.StatusBadRequest)
			return
		}
		// The origin was checked above, with an answer of our own.
		small := &smallBuffers{ResponseWriter: w}
		ws, err := websocket.Accept(small, r, &websocket.AcceptOptions{Subprotocols: []string{wire.Subprotocol}, InsecureSkipVerify: true})
		if err != nil {
			return // Accept has answered
		}
		ws.SetReadLimit(-1) // package wire bounds what is read, and answers
		s.start(ws, small.link, def, r)
	}
}

// start lets the connection live on its own: the HTTP handler returns, and its memory with it.
func (s *Server) start(ws *websocket.Conn, l *link, def string, r *http.Request) {
	c := &conn{srv: s, ws: ws, link: l, def: def, address: s.address(r), host: r.Host, token: requestToken(r),
		open: make(chan struct{}, maxOpen), closed: make(chan struct{})}
	c.out.init()
	ctx, cancel := context.WithCancel(context.Background())
	c.ctx, c.cancel = ctx, func() { cancel(); l.Close() }
	c.lastPong.Store(time.Now().UnixNano())
	if !s.admit(c) {
		c.cancel()
		go ws.Close(wire.CloseRestart, "the server restarts")
		return
	}
	go c.run()
}

// run reads until the login, and lets a fresh goroutine read on: the stack that a login
// needs would otherwise be most of what an idle connection costs.
func (c *conn) run() {
	login := time.AfterFunc(c.srv.cfg.Times.Login, func() {
		if !c.loggedIn.Load() {
			c.close(wire.ClosePolicy, "no login in time")
		}
	})
	c.pings.set(c.srv.cfg.Times.Ping, c.keepAlive)
	err := c.read()
	login.Stop()
	if errors.Is(err, errLoggedIn) {
		go func() { c.end(c.read()) }()
		return
	}
	c.end(err)
}

func (c *conn) end(err error) {
	defer c.srv.dismiss(c)
	c.pings.stop()
	c.leave(err)
}

// leave takes the connection out of everything it is in, and closes it.
func (c *conn) leave(err error) {
	if c.loggedIn.Load() {
		c.srv.hub.remove(c.account, c)
		if !c.guest {
			c.srv.presence.left(c)
		}
		c.srv.cells.connectionLost(c)
	}
	var closing *wire.CloseError
	if errors.As(err, &closing) {
		c.close(closing.Code, closing.Reason)
	} else {
		c.close(wire.CloseNormal, "")
	}
	<-c.closed
	c.cancel()
	c.out.close()
}

// read takes frame after frame until the connection ends, or with errLoggedIn after the login's.
func (c *conn) read() error {
	for {
		kind, src, err := c.ws.Reader(context.Background()) // one that can end costs with each frame; cancel closes the socket
		if err != nil {
			return err
		}
		c.srv.counts.framesIn.Add(1)
		lim, before := c.srv.cfg.Limits, c.loggedIn.Load()
		if !before {
			lim = wire.LoginLimits()
		}
		r := wire.NewReader(src, kind == websocket.MessageBinary, lim)
		if err := c.frame(r); err != nil {
			return err
		}
		if !before && c.loggedIn.Load() {
			return errLoggedIn
		}
	}
}

// errLoggedIn ends the reading before the login.
var errLoggedIn = errors.New("logged in")

// frame handles the messages of one frame.
func (c *conn) frame(r *wire.Reader) error {
	for {
		m, err := r.Next()
		if err == io.EOF {
			return r.Discard()
		}
		var mistake *wire.Error
		if err != nil && !errors.As(err, &mistake) {
			return err
		}
		if c.revoked.Load() {
			return errRevoked()
		}
		q := newRequest(c, m, r)
		if mistake != nil {
			c.sends.Wait()
			q.fail(mistake.Stat, mistake.Reason)
		} else {
			q.run()
		}
		c.out.waitBelow(maxWaiting)
		if c.ctx.Err() != nil {
			return c.ctx.Err()
		}
	}
}

// answer queues an answer. It never waits.
func (c *conn) answer(it item) {
	if start, _ := c.out.put(it); start {
		c.startWriter(it.late)
	}
}

// push queues what the connection was not asked for; a peer that lets too much wait is closed. It never waits.
func (c *conn) push(it item) {
	hold, full := false, false
	if it.change != 0 {
		hold, full = c.backlog.holdBack(it)
	}
	start := false
	if !hold {
		start, full = c.out.put(it)
	}
	if full {
		c.srv.counts.overflows.Add(1)
		c.close(wire.CloseTryLater, "too much is waiting for this connection")
	} else if start {
		c.startWriter(it.late)
	}
}

// startWriter starts writing at once, or when all of a batch has been told.
func (c *conn) startWriter(late bool) {
	if late {
		c.srv.late = append(c.srv.late, c)
		return
	}
	go c.write()
}

// write empties the outbox, many messages to a frame, and ends when it is empty.
func (c *conn) write() {
	for {
		items, ok := c.out.take()
		if !ok {
			return
		}
		for len(items) > 0 {
			n := together(items)
			switch err := c.writeFrame(items[:n]); {
			case errors.Is(err, errLinkEnded): // the close frame must get through
			case err != nil:
				c.close(wire.CloseTryLater, "too slow a reader")
				c.cancel()
			case c.backlog.wrote(items[:n]):
				go c.confirm()
			}
			c.wrote(items[:n])
			items = items[n:]
		}
	}
}

// wrote counts items out.
func (c *conn) wrote(items []item) {
	bytes, pushed := c.out.written(items)
	counts := c.srv.counts
	counts.framesOut.Add(1)
	counts.textsOut.Add(uint64(len(items)))
	counts.bytesOut.Add(uint64(bytes))
	counts.pushed.Add(uint64(pushed))
}

// together returns how many of items go into one frame.
func together(items []item) int {
	size := 0
	for i, it := range items {
		size += len(it.data)
		if it.body != nil {
			return max(i, 1)
		}
		if i > 0 && size > maxFrame {
			return i
		}
	}
	return len(items)
}

// writeFrame writes items that go together: texts, or one that a body follows.
func (c *conn) writeFrame(items []item) error {
	body := items[0].body
	if body == nil {
		return c.link.texts(items)
	}
	defer body.Close()
	ctx, stop := context.WithTimeout(c.ctx, time.Minute)
	defer stop()
	w, err := c.ws.Writer(ctx, websocket.MessageBinary)
	if err != nil {
		return err
	}
	if _, err := w.Write(items[0].data); err != nil {
		return err
	}
	n, err := io.Copy(w, body)
	c.srv.counts.fileBytesOut.Add(uint64(n))
	if err != nil {
		return err
	}
	return w.Close()
}

// close starts the closing handshake, once, and gives it a second.
func (c *conn) close(code int, reason string) {
	c.closeOnce.Do(func() {
		c.srv.counts.ended(code)
		go func() {
			defer close(c.closed)
			if code == wire.CloseNormal || code == wire.ClosePolicy || code == wire.CloseRestart {
				give := time.AfterFunc(time.Second, c.out.close)
				c.out.waitIdle() // the last answers leave first
				give.Stop()
			}
			force := time.AfterFunc(time.Second, c.cancel)
			defer force.Stop()
			c.link.end()
			c.ws.Close(websocket.StatusCode(code), reason)
			c.cancel()
		}()
	})
}

// sameOrigin reports whether a browser's request comes from our own page; requests without Origin are not a browser's.
func sameOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	_, host, ok := strings.Cut(origin, "://")
	return ok && strings.EqualFold(host, r.Host)
}

// knownSubprotocol reports whether the client offers ours, or none.
func knownSubprotocol(r *http.Request) bool {
	offered := r.Header.Values("Sec-WebSocket-Protocol")
	if len(offered) == 0 {
		return true
	}
	for _, line := range offered {
		if slices.ContainsFunc(strings.Split(line, ","), func(p string) bool { return strings.EqualFold(strings.TrimSpace(p), wire.Subprotocol) }) {
			return true
		}
	}
	return false
}
