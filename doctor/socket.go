package doctor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"neochat/wire"
)

// Times of the server's end of a WebSocket, as docs/protocol.md tells them.
const (
	pingEvery   = 25 * time.Second
	loginWithin = 30 * time.Second // then a connection that has not logged in is closed
)

// device is what the connection calls itself, so that nothing meant for the account's other devices is taken from them.
const device = "neochat-doctor"

// errSilent says that the server's answer did not come through.
var errSilent = errors.New("no answer in time")

// socket is a WebSocket to the server. Its reader ends with it.
type socket struct {
	conn    *websocket.Conn
	login   bool              // owned by the visit: there is a session to end
	answers chan wire.Message // what has a task_id
	done    chan struct{}     // closed when the reader has ended
	err     error             // why it ended; read after done
	pings   atomic.Int64
	heard   atomic.Int64 // when a message last came, Unix ns
	cancel  context.CancelFunc
}

// openSocket connects. Where that fails, resp is what was answered instead, if anything was.
func (w *visit) openSocket(ctx context.Context) (s *socket, resp *http.Response, err error) {
	s = &socket{answers: make(chan wire.Message, 4), done: make(chan struct{})}
	opening, cancel := context.WithTimeout(ctx, w.Timeout)
	defer cancel()
	client := w.client()
	client.Timeout = 0
	s.conn, resp, err = websocket.Dial(opening, w.at.JoinPath("message").String(), &websocket.DialOptions{HTTPClient: client, Subprotocols: []string{wire.Subprotocol},
		OnPingReceived: func(context.Context, []byte) bool { s.pings.Add(1); return true }})
	if err != nil {
		return nil, resp, err
	}
	s.conn.SetReadLimit(1 << 20)
	reading, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.cancel = cancel
	s.heard.Store(time.Now().UnixNano())
	go s.run(reading)
	return s, resp, nil
}

// run reads until the connection ends.
func (s *socket) run(ctx context.Context) {
	defer close(s.done)
	for {
		_, frame, err := s.conn.Read(ctx)
		if err != nil {
			s.err = err
			return
		}
		s.heard.Store(time.Now().UnixNano())
		r := wire.NewReader(bytes.NewReader(frame), false, wire.Limits{Header: 1 << 20, Body: 1 << 20})
		for {
			m, err := r.Next()
			if err == io.EOF || errors.As(err, new(*wire.CloseError)) {
				break
			}
			if err == nil && m.Get("task_id") != "" {
				select {
				case s.answers <- m:
				default: // nobody asked for so many
				}
			}
		}
	}
}

// ask sends a request of names and values in turn, and returns its answer.
func (s *socket) ask(ctx context.Context, within time.Duration, lines ...string) (wire.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	m := wire.Message{Fields: []wire.Field{{Name: "task_id", Value: lines[1]}}}
	for i := 0; i < len(lines); i += 2 {
		m.Add(lines[i], lines[i+1])
	}
	text, err := wire.Encode(m)
	if err != nil {
		return wire.Message{}, err
	}
	if err := s.conn.Write(ctx, websocket.MessageText, text); err != nil {
		return wire.Message{}, err
	}
	for {
		select {
		case a := <-s.answers:
			if a.Get("task_id") == lines[1] {
				return a, nil
			}
		case <-s.done:
			return wire.Message{}, s.err
		case <-ctx.Done():
			return wire.Message{}, errSilent
		}
	}
}

// close ends the connection, and the session on it with all that the server keeps of this device.
func (s *socket) close() {
	if s.login {
		s.ask(context.Background(), 2*time.Second, "message_type", "device", "type", "DELETE", "device", device) // the connection is closed for an answer
	}
	s.cancel()
	s.conn.CloseNow()
	<-s.done
}

// talk opens the WebSocket, logs in, and lets it idle: what came of that is told later.
func (w *visit) talk(ctx context.Context) <-chan Finding {
	s, resp, err := w.openSocket(ctx)
	if err != nil {
		w.tell(judgeUpgrade(resp, err))
		return nil
	}
	w.socket = s
	answer, err := s.ask(ctx, w.Timeout, "message_type", "account", "type", "GET")
	switch {
	case err != nil:
		w.tell(judgeSilence(err, w.Timeout))
		return nil
	case answer.Get("stat") != "401":
		w.tell(found("", "websocket-stripped", facts{"seen", "it speaks another protocol"}))
		return nil
	}
	known := w.login(ctx)
	watched := make(chan Finding, 1)
	patience := w.Patience
	if !known {
		patience = min(patience, loginWithin-2*time.Second)
	}
	go func() { watched <- s.watch(ctx, patience) }()
	return watched
}

func judgeSilence(err error, after time.Duration) Finding {
	if errors.Is(err, errSilent) {
		return found("", "websocket-buffered", facts{"after", after.String()})
	}
	return found("", "websocket-cut", facts{"after", "its first message"})
}

func judgeUpgrade(resp *http.Response, err error) Finding {
	seen := brief(err)
	if resp != nil {
		seen = "answered " + resp.Status
	}
	return found("", "websocket-stripped", facts{"seen", seen})
}

// login logs in where there is an account, and a way that a password may go.
func (w *visit) login(ctx context.Context) bool {
	switch {
	case w.Account == "":
		w.tell(skipped("login", "no --account was given"))
		return false
	case !w.trusted:
		w.tell(skipped("login", "no password is sent to a server whose certificate is not trusted"))
		return false
	}
	answer, err := w.socket.ask(ctx, w.Timeout, "message_type", "login", "user_account", w.Account, "user_password", w.Password, "device", device)
	if err != nil {
		w.tell(found("", "login-refused", facts{"account", w.Account, "reason", brief(err)}))
		return false
	}
	if answer.Get("stat") != "200" {
		w.tell(found("", "login-refused", facts{"account", w.Account, "reason", answer.Get("stat") + " " + answer.Get("reason")}))
		return false
	}
	w.socket.login = true
	w.tell(good("login", w.Account+" can log in"))
	return true
}

// watch leaves the connection alone until it was silent for so long, or is cut.
func (s *socket) watch(ctx context.Context, patience time.Duration) Finding {
	begun := time.Now()
	for {
		silent := time.Since(time.Unix(0, max(s.heard.Load(), begun.UnixNano())))
		if silent >= patience {
			return s.judgePings(patience)
		}
		select {
		case <-time.After(patience - silent):
		case <-s.done:
			return found("", "websocket-cut", facts{"after", time.Since(begun).Round(100 * time.Millisecond).String()})
		case <-ctx.Done():
			return skipped("websocket", "it was not watched for long enough")
		}
	}
}

func (s *socket) judgePings(patience time.Duration) Finding {
	if patience > pingEvery+2*time.Second && s.pings.Load() == 0 {
		return found("", "websocket-pings", facts{"after", patience.String()})
	}
	return good("websocket", fmt.Sprintf("messages pass both ways, and an idle connection stays for %s (pings: %d)", patience, s.pings.Load()))
}

// access asks for the relay; "": the server has none, or nobody is logged in.
func (w *visit) access(ctx context.Context) (urls []string, username, password string, err error) {
	if w.socket == nil {
		return nil, "", "", nil
	}
	a, err := w.socket.ask(ctx, w.Timeout, "message_type", "turn", "type", "GET")
	if err != nil || a.Get("stat") != "200" {
		return nil, "", "", err
	}
	return strings.Split(a.Get("turn_urls"), ","), a.Get("turn_username"), a.Get("turn_password"), nil
}
