package process

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// password is everybody's here.
const password = "correct horse battery"

// message is one protocol message as it came: its lines, and a list's items.
type message struct {
	raw   string
	lines map[string]string
	items []message
}

func (m message) get(name string) string { return m.lines[name] }

func (m message) answer() bool { return m.lines["stat"] != "" }

// parse takes a frame apart: messages end with an empty line, a line that begins
// with a space continues the one before, and count: N takes the next N as items.
func parse(frame string) []message {
	var flat []message
	for raw := range strings.SplitSeq(strings.TrimSuffix(frame, "\n\n"), "\n\n") {
		m := message{raw: raw, lines: map[string]string{}}
		last := ""
		for line := range strings.SplitSeq(raw, "\n") {
			if more, ok := strings.CutPrefix(line, " "); ok {
				m.lines[last] += "\n" + more
				continue
			}
			name, value, _ := strings.Cut(line, ": ")
			m.lines[name], last = value, name
		}
		flat = append(flat, m)
	}
	var out []message
	for len(flat) > 0 {
		m := flat[0]
		flat = flat[1:]
		if n, err := strconv.Atoi(m.get("count")); err == nil && m.answer() && n <= len(flat) {
			m.items, flat = flat[:n], flat[n:]
		}
		out = append(out, m)
	}
	return out
}

// client is a bare WebSocket client. Answers and pushes are kept apart.
type client struct {
	ws      *websocket.Conn
	cancel  context.CancelFunc
	ctx     context.Context
	answers chan message
	pushes  chan message
	done    chan struct{} // closed when reading has ended
	err     error         // why it ended; set before done is closed
}

// dial connects to one of the server's URLs and reads until the connection ends.
func dial(t testing.TB, s *server, path string) *client {
	t.Helper()
	return reading(t)(connect(s.addr, path))
}

// reading begins to read what comes over a new connection, until that or the test ends.
func reading(t testing.TB) func(*client, error) *client {
	return func(c *client, err error) *client {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.gone)
		go c.read()
		return c
	}
}

func connect(addr, path string) (*client, error) {
	return connectTo("ws://"+addr+path, websocket.DialOptions{})
}

// connectTo connects to a URL, however that is done.
func connectTo(url string, opts websocket.DialOptions) (*client, error) {
	ctx, cancel := context.WithCancel(context.Background())
	opts.Subprotocols = []string{"neochat.v1"}
	ws, _, err := websocket.Dial(ctx, url, &opts)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("connecting to %s: %w", url, err)
	}
	ws.SetReadLimit(-1)
	return &client{ws: ws, ctx: ctx, cancel: cancel, answers: make(chan message, 1024), pushes: make(chan message, 4096), done: make(chan struct{})}, nil
}

func (c *client) read() {
	defer close(c.done)
	for {
		_, frame, err := c.ws.Read(c.ctx)
		if err != nil {
			c.err = err
			return
		}
		for _, m := range parse(string(frame)) {
			to := c.pushes
			if m.answer() {
				to = c.answers
			}
			select {
			case to <- m:
			case <-c.ctx.Done():
				c.err = c.ctx.Err()
				return
			}
		}
	}
}

// gone drops the connection.
func (c *client) gone() {
	c.ws.CloseNow()
	c.cancel()
	<-c.done
}

// write sends lines as one frame; the closing empty line is added.
func (c *client) write(lines ...string) error {
	ctx, cancel := context.WithTimeout(c.ctx, patience)
	defer cancel()
	return c.ws.Write(ctx, websocket.MessageText, []byte(frame(lines...)))
}

func frame(lines ...string) string { return strings.Join(lines, "\n") + "\n\n" }

var errEnded = errors.New("the connection has ended")

// next returns the next answer, or what ended the connection before it came.
func (c *client) next() (message, error) { return c.take(c.answers) }

func (c *client) take(from chan message) (message, error) {
	wait := time.NewTimer(patience)
	defer wait.Stop()
	select {
	case m := <-from:
		return m, nil
	case <-wait.C:
		return message{}, fmt.Errorf("nothing came within %v", patience)
	case <-c.done:
	}
	select { // what was read before the end
	case m := <-from:
		return m, nil
	default:
		return message{}, fmt.Errorf("%w: %w", errEnded, c.err)
	}
}

// ask sends a request and returns its answer.
func (c *client) ask(t testing.TB, lines ...string) message {
	t.Helper()
	if err := c.write(lines...); err != nil {
		t.Fatalf("sending %q: %v", lines[0], err)
	}
	m, err := c.next()
	if err != nil {
		t.Fatalf("no answer to %q: %v", lines, err)
	}
	return m
}

// want is ask where one stat is right.
func (c *client) want(t testing.TB, stat string, lines ...string) message {
	t.Helper()
	m := c.ask(t, lines...)
	if m.get("stat") != stat {
		t.Fatalf("want stat %s to %q, got:\n%s", stat, lines, m.raw)
	}
	return m
}

// told returns the next push that fits, skipping others.
func (c *client) told(t testing.TB, fits func(message) bool) message {
	t.Helper()
	for {
		m, err := c.take(c.pushes)
		if err != nil {
			t.Fatalf("waiting for a push: %v", err)
		}
		if fits(m) {
			return m
		}
	}
}

// closed waits for the end of the connection and returns the close code.
func (c *client) closed(t testing.TB) websocket.StatusCode {
	t.Helper()
	select {
	case <-c.done:
		return websocket.CloseStatus(c.err)
	case <-time.After(patience):
		t.Fatal("the connection does not end")
		return 0
	}
}

// register makes accounts.
func register(t testing.TB, s *server, accounts ...string) {
	t.Helper()
	dial(t, s, "/message").register(t, accounts...)
}

// register makes accounts, and drops the connection.
func (c *client) register(t testing.TB, accounts ...string) {
	t.Helper()
	for _, a := range accounts {
		c.want(t, "200", "message_type: registered", "user_account: "+a, "user_password: "+password)
	}
	c.gone()
}

// login connects and logs in; more are further lines, as "device: x".
func login(t testing.TB, s *server, account string, more ...string) *client {
	t.Helper()
	return dial(t, s, "/message").login(t, account, more...)
}

func (c *client) login(t testing.TB, account string, more ...string) *client {
	t.Helper()
	c.want(t, "200", append([]string{"message_type: login", "user_account: " + account, "user_password: " + password}, more...)...)
	return c
}

// readHistory reads a whole conversation, page by page.
func readHistory(t testing.TB, c *client, conversation string) []message {
	t.Helper()
	var all []message
	for after := "0"; ; {
		page := c.want(t, "200", "message_type: history", "type: GET", "conversation: "+conversation, "after_seq: "+after, "limit: 200")
		all = append(all, page.items...)
		if page.get("more") != "yes" || len(page.items) == 0 {
			return all
		}
		after = page.items[len(page.items)-1].get("seq")
	}
}
