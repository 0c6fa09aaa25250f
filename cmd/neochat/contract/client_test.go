package contract

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// client is a bare WebSocket connection: it knows frames, and how to cut what it receives into messages.
type client struct {
	t      testing.TB
	name   string
	srv    *server
	ws     *websocket.Conn
	last   message // the one that next returned
	fences int
	slow   bool // what is awaited may take a minute by the protocol

	mu     sync.Mutex
	in     []message     // received and not yet taken; guarded by mu
	err    error         // why the connection ended; guarded by mu
	more   chan struct{} // a token when in or err changed
	ended  chan struct{} // closed when the reader has ended
	frames int           // owned by the reader
}

// message is one protocol message as it was received.
type message struct {
	frame int // which WebSocket message of the connection it came in
	lines []string
	body  []byte // of a binary frame; nil: it had none
}

func (m message) String() string {
	s := strings.Join(m.lines, "\n")
	if m.body != nil {
		s += fmt.Sprintf("\n\n\\0%d bytes", len(m.body))
	}
	return s
}

// get returns the value of the line called name, continuation lines joined.
func (m message) get(name string) string {
	for i, line := range m.lines {
		v, ok := strings.CutPrefix(line, name+": ")
		if !ok {
			continue
		}
		for _, next := range m.lines[i+1:] {
			if !strings.HasPrefix(next, " ") {
				break
			}
			v += "\n" + next[1:]
		}
		return v
	}
	return ""
}

// dialing says how a connection is opened.
type dialing struct {
	path      string
	protocols []string
	header    http.Header
	deaf      bool   // pings are not answered
	from      string // local address; "": any
}

// open connects without offering a subprotocol, as the simplest clients do.
func (s *server) open(path string) *client {
	s.t.Helper()
	c, resp := s.dial(dialing{path: path})
	if c == nil {
		s.t.Fatalf("%s was refused: %v", path, resp.Status)
	}
	return c
}

// dial connects, or returns the HTTP answer of the server that refused.
func (s *server) dial(d dialing) (*client, *http.Response) {
	s.t.Helper()
	c, resp := s.dialUnread(d)
	if c != nil {
		go c.read()
		s.t.Cleanup(c.drop)
	}
	return c, resp
}

// dialUnread connects and leaves starting read to the caller.
func (s *server) dialUnread(d dialing) (*client, *http.Response) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	plug := s.http
	if d.from != "" {
		from := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(d.from)}}
		plug = &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: from.DialContext}}
	}
	opts := &websocket.DialOptions{HTTPClient: plug, HTTPHeader: d.header, Subprotocols: d.protocols,
		OnPingReceived: func(context.Context, []byte) bool { return !d.deaf }}
	ws, resp, err := websocket.Dial(ctx, "ws://"+s.addr+d.path, opts)
	if err != nil {
		if resp == nil {
			s.t.Fatalf("connecting to %s: %v", d.path, err)
		}
		return nil, resp
	}
	ws.SetReadLimit(-1)
	return &client{t: s.t, name: d.path, srv: s, ws: ws, more: make(chan struct{}, 1), ended: make(chan struct{})}, resp
}

// read takes frames until the connection ends.
func (c *client) read() {
	defer close(c.ended)
	for {
		kind, data, err := c.ws.Read(context.Background())
		c.frames++
		c.mu.Lock()
		if err != nil {
			c.err = err
		} else {
			c.in = append(c.in, split(kind == websocket.MessageBinary, data, c.frames)...)
		}
		c.mu.Unlock()
		select {
		case c.more <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// split cuts a WebSocket message into protocol messages.
func split(binary bool, data []byte, frame int) []message {
	var body []byte
	if head, b, ok := bytes.Cut(data, []byte("\n\n\x00")); binary && ok {
		data, body = append(head, '\n', '\n'), append([]byte{}, b...)
	}
	var all []message
	m := message{frame: frame}
	for _, line := range strings.Split(string(data), "\n") {
		if line != "" {
			m.lines = append(m.lines, line)
		} else if m.lines != nil {
			all = append(all, m)
			m.lines = nil
		}
	}
	if m.lines != nil { // no empty line closes it: seen by who compares
		m.lines = append(m.lines, "(not closed by an empty line)")
		all = append(all, m)
	}
	if body != nil && len(all) > 0 {
		all[len(all)-1].body = body
	}
	return all
}

// send sends one text frame of exactly these bytes.
func (c *client) send(frame string) { c.t.Helper(); c.write(websocket.MessageText, frame) }

// sendBinary sends one binary frame.
func (c *client) sendBinary(frame string) { c.t.Helper(); c.write(websocket.MessageBinary, frame) }

func (c *client) write(kind websocket.MessageType, frame string) {
	c.t.Helper()
	if err := c.try(kind, frame); err != nil {
		c.t.Fatalf("%s: sending: %v", c.name, err)
	}
}

// try sends a frame on a connection that the server may have ended.
func (c *client) try(kind websocket.MessageType, frame string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return c.ws.Write(ctx, kind, []byte(frame))
}

// wait blocks until take has found something, the connection ended (false), or patience is over.
func (c *client) wait(take func([]message) int) (message, bool) {
	c.t.Helper()
	bound := patience
	if c.slow {
		bound += time.Minute
	}
	guard := time.NewTimer(bound)
	defer guard.Stop()
	for {
		c.mu.Lock()
		if i := take(c.in); i >= 0 {
			m := c.in[i]
			c.in = append(c.in[:i:i], c.in[i+1:]...)
			c.mu.Unlock()
			c.last = m
			return m, true
		}
		waiting, err := fmt.Sprint(c.in), c.err
		c.mu.Unlock()
		if err != nil {
			return message{}, false
		}
		select {
		case <-c.more:
		case <-guard.C:
			c.t.Fatalf("%s: what was awaited never came; waiting: %s", c.name, waiting)
		}
	}
}

// next returns the next message received.
func (c *client) next() message {
	c.t.Helper()
	m, ok := c.wait(func(in []message) int { return min(len(in), 1) - 1 })
	if !ok {
		c.t.Fatalf("%s: the connection ended: %v", c.name, c.err)
	}
	return m
}

// want takes the next message, which must fit the pattern, and returns the pattern's {names}.
func (c *client) want(pattern string) map[string]string {
	c.t.Helper()
	m := c.next()
	vars := map[string]string{}
	if why := fits(lines(pattern), m, vars); why != "" {
		c.t.Fatalf("%s: %s\n--- received\n%v\n--- expected\n%s", c.name, why, m, pattern)
	}
	return vars
}

// find takes the first message that fits, whatever is in front of it, and leaves the others waiting.
func (c *client) find(pattern string) map[string]string {
	c.t.Helper()
	vars := map[string]string{}
	_, ok := c.wait(func(in []message) int {
		for i, m := range in {
			if try := map[string]string{}; fits(lines(pattern), m, try) == "" {
				vars = try
				return i
			}
		}
		return -1
	})
	if !ok {
		c.t.Fatalf("%s: the connection ended (%v) before this came:\n%s", c.name, c.err, pattern)
	}
	return vars
}

// ask sends a frame and returns the next message.
func (c *client) ask(frame string) message { c.t.Helper(); c.send(frame); return c.next() }

// closed waits for the end of the connection and returns its close code; messages that came before it are dropped.
func (c *client) closed() websocket.StatusCode {
	c.t.Helper()
	if _, more := c.wait(func([]message) int { return -1 }); more {
		c.t.Fatal("unreachable")
	}
	return websocket.CloseStatus(c.err)
}

// drop cuts the connection without a closing handshake.
func (c *client) drop() {
	c.ws.CloseNow()
	<-c.ended
}

// login logs the connection in by a session token, so that many logins cost no hashing.
func (c *client) login(account, device string) {
	c.t.Helper()
	c.name = account + " " + device
	frame := "message_type: login\nuser_account: " + account + "\nsession: " + c.srv.token(account) + "\n"
	if device != "" {
		frame += "device: " + device + "\n"
	}
	c.send(frame + "\n")
	c.want("message_type: login\nstat: 200\nuser_account: " + account)
}

// quiet checks that nothing waits: the next message is the answer to a question asked now.
func (c *client) quiet() {
	c.t.Helper()
	c.fences++
	task := fmt.Sprintf("fence-%d", c.fences)
	m := c.ask("task_id: " + task + "\nmessage_type: profile\ntype: GET\n\n")
	if m.get("task_id") != task {
		c.t.Fatalf("%s: nothing should have come, but this did:\n%v", c.name, m)
	}
}

// fails checks an error answer: this stat ("400 or 404": either), a reason.
func (m message) fails(t testing.TB, stat string) {
	t.Helper()
	if got := m.get("stat"); len(got) != 3 || !strings.Contains(stat, got) || m.get("reason") == "" {
		t.Errorf("expected stat %s with a reason, received\n%v", stat, m)
	}
}
