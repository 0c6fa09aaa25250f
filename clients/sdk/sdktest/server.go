// Package sdktest is a small NeoChat server in memory, for the tests of programs
// that use the SDK. It speaks the chat part of the protocol over real sockets, and can
// be told to fail in the ways a network does. It does not check what a real server has
// to check to be safe.
package sdktest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"

	"github.com/coder/websocket"

	"neochat/wire"
)

// Server is the server. Its methods may be called at any time.
type Server struct {
	URL  string // http://127.0.0.1:port
	http *httptest.Server
	over sync.WaitGroup

	mu sync.Mutex
	// guarded by mu
	accounts map[string]*account
	sessions map[string]string // token to account
	convs    map[string]*conv
	order    []*conv // in the order of making
	files    map[string][]byte
	conns    map[*conn]struct{}
	happened []happening
	change   int64
	clock    int64 // milliseconds, one more at each message
	logins   int
	faults   Faults
	batching bool
}

// Faults are what goes wrong next; each counts down to nothing.
type Faults struct {
	LoseAnswer  int   // texts that are stored, and whose connection breaks before the answer
	AnswerText  []int // stats with which the next texts are answered, nothing being stored
	LoseUpload  int   // uploads whose connection breaks before the answer
	FailSync    int   // syncs answered with 500
	RefuseLogin int   // logins answered with 404
}

type account struct {
	password  string
	delivered map[string]int64 // by conversation: what the plain device has got
	read      map[string]int64
	received  map[string]int64
	sent      map[string]wire.Message // answers by client_message_id
}

type conv struct {
	id, group, name, intro, founder string
	members                         []string
	messages                        []wire.Message
	change                          int64
	since                           map[string]int // by account: the first message that who was invited later sees
}

// conn is one connection. Its writer sends what is queued.
type conn struct {
	ws    *websocket.Conn
	out   chan frame
	gone  context.Context
	leave context.CancelFunc

	account string // guarded by Server.mu
	device  string // guarded by Server.mu
	batch   []byte // guarded by Server.mu
}

type frame struct {
	kind websocket.MessageType
	data []byte
}

// New starts a server on a free port of 127.0.0.1.
func New() *Server {
	s := &Server{accounts: map[string]*account{}, sessions: map[string]string{}, convs: map[string]*conv{},
		files: map[string][]byte{}, conns: map[*conn]struct{}{}, clock: 1_700_000_000_000}
	mux := http.NewServeMux()
	mux.HandleFunc("/message", s.serve)
	mux.HandleFunc("/files/", s.download)
	mux.HandleFunc("/uploads/", tooLarge)
	s.http = httptest.NewServer(mux)
	s.URL = s.http.URL
	return s
}

// Close ends all connections and the server.
func (s *Server) Close() {
	s.Drop("", 0)
	s.http.Close()
	s.over.Wait()
}

// AddAccount makes an account.
func (s *Server) AddAccount(name, password string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accounts[name] = newAccount(password)
}

func newAccount(password string) *account {
	return &account{password: password, delivered: map[string]int64{}, read: map[string]int64{}, received: map[string]int64{}, sent: map[string]wire.Message{}}
}

// Fail says what goes wrong next.
func (s *Server) Fail(f Faults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = f
}

// Drop ends the connections of an account ("": of all) with a close code; 0: without one.
func (s *Server) Drop(name string, code int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		if name == "" || c.account == name {
			s.dropLocked(c, code)
		}
	}
}

func (s *Server) dropLocked(c *conn, code int) {
	delete(s.conns, c)
	s.over.Go(func() {
		if code != 0 {
			_ = c.ws.Close(websocket.StatusCode(code), "")
		}
		c.leave()
	})
}

// Revoke makes all sessions void; it leaves the connections.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.sessions)
}

// Logins returns how many logins succeeded so far.
func (s *Server) Logins() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logins
}

// Texts returns all texts of the conversation of two accounts, or of a group's id and "".
func (s *Server) Texts(a, b string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := a
	if b != "" {
		id = pairID(a, b)
	}
	var texts []string
	if cv := s.convs[id]; cv != nil {
		for _, m := range cv.messages {
			texts = append(texts, m.Get("text"))
		}
	}
	return texts
}

// ReadSeq returns how far an account has read the conversation of two.
func (s *Server) ReadSeq(reader, other string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accounts[reader].read[pairID(reader, other)]
}

// Received returns how far a named device of an account said that it received the conversation of two.
func (s *Server) Received(reader, other string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accounts[reader].received[pairID(reader, other)]
}

// Batch runs do, and then sends in one WebSocket message per connection what it caused.
func (s *Server) Batch(do func()) {
	s.mu.Lock()
	s.batching = true
	s.mu.Unlock()
	do()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batching = false
	for c := range s.conns {
		if len(c.batch) > 0 {
			c.queue(frame{websocket.MessageText, c.batch})
			c.batch = nil
		}
	}
}

// Say stores a text as if author had sent it, and pushes it.
func (s *Server) Say(author, to, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.storeLocked(nil, s.pairLocked(author, to), fields("user_account", author, "message_type", "text", "text", text))
}

// Doubt stores a text without telling anybody, and then tells the recipient to sync, as a server does whose
// database went away in the middle of a commit.
func (s *Server) Doubt(author, to, text string) {
	s.mu.Lock()
	conns := s.conns
	s.conns = nil
	s.storeLocked(nil, s.pairLocked(author, to), fields("user_account", author, "message_type", "text", "text", text))
	s.conns = conns
	s.mu.Unlock()
	s.Push(to, "message_type", "sync")
}

// Push sends a message to all connections of an account.
func (s *Server) Push(to string, lines ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		if c.account == to {
			s.sendLocked(c, encode(fields(lines...)))
		}
	}
}

// limits are those of a server, but for files: at most 1 MiB, so that tests can pass it.
func limits() wire.Limits { return wire.Limits{Header: 64 << 10, Body: 1 << 20} }

// serve reads one connection to its end.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.over.Add(1) // Close of an HTTP server does not wait for what was hijacked
	defer s.over.Done()
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{wire.Subprotocol}})
	if err != nil {
		return
	}
	ws.SetReadLimit(40 << 20)
	c := &conn{ws: ws, out: make(chan frame, 1<<14)}
	c.gone, c.leave = context.WithCancel(context.Background())
	defer c.leave()
	s.over.Go(c.write)
	s.mu.Lock()
	s.conns[c] = struct{}{}
	s.mu.Unlock()
	for {
		kind, src, err := ws.Reader(c.gone)
		if err != nil {
			break
		}
		err = s.read(c, wire.NewReader(src, kind == websocket.MessageBinary, limits()))
		var closing *wire.CloseError
		if errors.As(err, &closing) {
			_ = ws.Close(websocket.StatusCode(closing.Code), closing.Reason) // it ends either way
		}
		if err != nil {
			break
		}
	}
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
	_ = ws.CloseNow()
}

func (s *Server) read(c *conn, r *wire.Reader) error {
	for {
		m, err := r.Next()
		var mistake *wire.Error
		if err == io.EOF {
			return r.Discard()
		}
		if errors.As(err, &mistake) {
			s.mu.Lock()
			s.answerLocked(c, m, mistake.Stat, "reason", mistake.Reason)
			s.mu.Unlock()
			continue
		}
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		body, err := io.ReadAll(r)
		if errors.As(err, &mistake) {
			s.mu.Lock()
			s.answerLocked(c, m, mistake.Stat, "reason", mistake.Reason)
			s.mu.Unlock()
			return r.Discard()
		}
		if err != nil {
			return fmt.Errorf("read a body: %w", err)
		}
		s.mu.Lock()
		s.handleLocked(c, m, body)
		s.mu.Unlock()
	}
}

func (c *conn) write() {
	defer c.leave()
	for {
		select {
		case f := <-c.out:
			if c.ws.Write(c.gone, f.kind, f.data) != nil {
				return
			}
		case <-c.gone.Done():
			return
		}
	}
}

// queue never waits; a connection that reads nothing is ended.
func (c *conn) queue(f frame) {
	select {
	case c.out <- f:
	default:
		c.leave()
	}
}
