package signaling

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"neochat/store"
	"neochat/store/mariadbtest"
	"neochat/wire"
)

// databases are what the tests run on: SQLite's or, by NEOCHAT_TEST_DATABASE, MariaDB's.
var databases = mariadbtest.Databases{Migrate: func(path string) error {
	st, err := store.Open(context.Background(), store.Config{Database: path, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	return st.Close()
}}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.Cleanup(databases.Exit)) }

// patience is how long a test waits for something that must come.
const patience = time.Minute

const password = "correct horse"

// world is a server on a real socket with a real database.
type world struct {
	t        *testing.T
	store    *store.Store
	srv      *Server
	http     *httptest.Server
	calls    *fakeCalls
	relay    *fakeRelay
	pictures *fakePictures
}

func newWorld(t *testing.T, times Times, accounts ...string) *world {
	t.Helper()
	return newWorldOn(t, databases.Fresh(t), times, accounts...)
}

func newWorldOn(t *testing.T, database string, times Times, accounts ...string) *world {
	t.Helper()
	return newWorldWith(t, store.Config{Database: database}, times, accounts...)
}

// newWorldWith takes what cfg says of the database; the rest is set for tests.
func newWorldWith(t *testing.T, cfg store.Config, times Times, accounts ...string) *world {
	t.Helper()
	ctx := context.Background()
	st, err := store.Open(ctx, store.Config{Database: cfg.Database, Quota: cfg.Quota, Logger: slog.New(slog.DiscardHandler), PasswordCost: store.PasswordCost{Memory: 64, Passes: 1, Parallelism: 1}})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, store: st, calls: &fakeCalls{peers: map[string]*fakePeer{}}, relay: &fakeRelay{}, pictures: &fakePictures{}}
	kept := newMemory()
	w.serve(Config{Store: st, Blobs: kept, Uploads: kept, Pictures: w.pictures, Calls: w.calls, Relay: w.relay, Registration: "open", Times: times})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		w.srv.Shutdown(ctx)
		w.http.Close()
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, a := range accounts {
		if err := st.CreateUser(ctx, store.User{Account: a}, password); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func (w *world) serve(cfg Config) {
	w.srv = New(cfg)
	w.http = httptest.NewServer(w.srv.Handler())
}

// client is one connection; what arrives waits in got.
type client struct {
	t       *testing.T
	account string
	ws      *websocket.Conn
	got     chan *wire.Message
	ended   chan error // what ended reading
	stop    func()     // drops the connection
}

func (w *world) dial(path string) *client {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ws, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(w.http.URL, "http")+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	ws.SetReadLimit(-1)
	c := &client{t: w.t, ws: ws, got: make(chan *wire.Message, 10_000), ended: make(chan error, 1),
		stop: func() { cancel(); ws.CloseNow() }} // a read that is not under way does not see cancel
	go c.read(ctx)
	w.t.Cleanup(c.stop)
	return c
}

func (c *client) read(ctx context.Context) {
	for {
		kind, b, err := c.ws.Read(ctx)
		if err != nil {
			c.ended <- err
			return
		}
		r := wire.NewReader(bytes.NewReader(b), kind == websocket.MessageBinary, wire.DefaultLimits())
		for {
			m, err := r.Next()
			if err != nil {
				break
			}
			c.got <- &m
		}
	}
}

// login opens a connection of account; device "" is the plain one.
func (w *world) login(account, device string) *client {
	w.t.Helper()
	c := w.dial("/message")
	c.account = account
	lines := []string{"message_type", "login", "user_account", account, "user_password", password}
	if device != "" {
		lines = append(lines, "device", device)
	}
	c.send(lines...)
	c.expect("message_type", "login", "stat", "200")
	return c
}

// served is the server's side of an account's connection, which it has soon after the login was answered.
func (w *world) served(account string) *conn {
	w.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		if all := w.srv.hub.of(account); len(all) > 0 {
			return all[0]
		}
		if time.Now().After(end) {
			w.t.Fatalf("the server never had a connection of %s", account)
		}
	}
}

func encode(lines ...string) []byte {
	var b []byte
	for i := 0; i < len(lines); i += 2 {
		b = wire.Append(b, lines[i], lines[i+1])
	}
	return wire.End(b)
}

func (c *client) send(lines ...string) {
	c.t.Helper()
	if err := c.ws.Write(context.Background(), websocket.MessageText, encode(lines...)); err != nil {
		c.t.Fatalf("%s: %v", c.account, err)
	}
}

// next returns the next message.
func (c *client) next() *wire.Message {
	c.t.Helper()
	select {
	case m := <-c.got:
		return m
	case <-time.After(patience):
		c.t.Fatalf("%s: nothing came", c.account)
		return nil
	}
}

// expect takes the next message, which must have these lines.
func (c *client) expect(lines ...string) *wire.Message {
	c.t.Helper()
	m := c.next()
	if !has(m, lines) {
		c.t.Fatalf("%s: got %q, want %q", c.account, m.Fields, lines)
	}
	return m
}

// await takes messages until one has these lines.
func (c *client) await(lines ...string) *wire.Message {
	c.t.Helper()
	for {
		if m := c.next(); has(m, lines) {
			return m
		}
	}
}

func has(m *wire.Message, lines []string) bool {
	for i := 0; i < len(lines); i += 2 {
		if m.Get(lines[i]) != lines[i+1] {
			return false
		}
	}
	return true
}

// ask sends a request and returns its answer, passing over pushes; task_id is its own.
func (c *client) ask(lines ...string) *wire.Message {
	c.t.Helper()
	c.send(append([]string{"task_id", "ask"}, lines...)...)
	return c.await("task_id", "ask")
}

// quiet checks that nothing was pushed: an answered request brings up what was before it.
func (c *client) quiet() {
	c.t.Helper()
	c.send("task_id", "quiet", "message_type", "profile", "type", "GET")
	c.expect("task_id", "quiet", "stat", "200")
}

// quietBut is quiet where pushes of one kind may come at any time.
func (c *client) quietBut(kind string) {
	c.t.Helper()
	c.send("task_id", "quiet", "message_type", "profile", "type", "GET")
	for {
		if m := c.next(); m.Get("message_type") != kind {
			if !has(m, []string{"task_id", "quiet", "stat", "200"}) {
				c.t.Fatalf("%s: was told %q", c.account, m.Fields)
			}
			return
		}
	}
}

// closeCode waits for the end of the connection.
func (c *client) closeCode() int {
	c.t.Helper()
	select {
	case err := <-c.ended:
		return int(websocket.CloseStatus(err))
	case <-time.After(patience):
		c.t.Fatal("the connection was not closed")
		return 0
	}
}

// fakeCalls records what signaling asks of the media.
type fakeCalls struct {
	mu    sync.Mutex
	peers map[string]*fakePeer // by room/peer
	left  int
}

type fakePeer struct {
	calls *fakeCalls
	key   string
	host  string // the server, as that peer's client sees it

	mu    sync.Mutex
	ev    CallEvents
	shown []string // what Subscribe was told
	quiet map[string]bool
}

func (f *fakeCalls) Join(_ context.Context, room, peer, host string, ev CallEvents) (CallPeer, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := &fakePeer{calls: f, key: room + "/" + peer, host: host, ev: ev}
	f.peers[p.key] = p
	go ev.Sections(len(f.peers), 2*len(f.peers))
	return p, nil
}

func (f *fakeCalls) Watch(ctx context.Context, room, peer, only, host string, ev CallEvents) (CallPeer, error) {
	return f.Join(ctx, room, peer+" of "+only, host, ev)
}

// fakeRelay records what was taken back.
type fakeRelay struct {
	mu    sync.Mutex
	ended []string // "account/session", or "account" for all of it
}

func (f *fakeRelay) Access(account, session, host string) (RelayAccess, error) {
	return RelayAccess{URLs: []string{"turn:" + host, "turns:" + host}, Username: account + "/" + session, Password: "secret", Lifetime: time.Hour}, nil
}

func (f *fakeRelay) Revoke(account, session string) { f.end(account + "/" + session) }

func (f *fakeRelay) RevokeAccount(account string) { f.end(account) }

func (f *fakeRelay) end(what string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = append(f.ended, what)
}

// took returns what was taken back since it was last asked.
func (f *fakeRelay) took() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer func() { f.ended = nil }()
	return f.ended
}

func (f *fakeCalls) peer(t *testing.T, key string) *fakePeer {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.peers[key]
	if p == nil {
		t.Fatalf("%s is not in the media", key)
	}
	return p
}

func (p *fakePeer) Offer(sdp string) (string, error) {
	if sdp == "rubbish" {
		return "", &wire.Error{Stat: wire.StatBadRequest, Reason: "not SDP"}
	}
	return "answer to " + sdp, nil
}
func (p *fakePeer) Candidate(string, string, uint16) error { return nil }
func (p *fakePeer) Publish(string, string, bool) error     { return nil }
func (p *fakePeer) Unpublish(string) error                 { return nil }
func (p *fakePeer) Mute(source string, muted bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.quiet == nil {
		p.quiet = map[string]bool{}
	}
	p.quiet[source] = muted
	return nil
}

func (p *fakePeer) muted(source string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.quiet[source]
}
func (p *fakePeer) Subscribe(peer, source string, width, height int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shown = append(p.shown, fmt.Sprintf("%s %s %d %d", peer, source, width, height))
	return nil
}
func (p *fakePeer) Attach(ev CallEvents) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ev = ev
	return nil
}

func (p *fakePeer) events() CallEvents {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ev
}

func (p *fakePeer) Leave() {
	p.calls.mu.Lock()
	defer p.calls.mu.Unlock()
	if p.calls.peers[p.key] == p {
		delete(p.calls.peers, p.key)
		p.calls.left++
	}
}

func get(t *testing.T, url, token string) (int, string, http.Header) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	http.DefaultClient.CloseIdleConnections()
	return resp.StatusCode, string(b), resp.Header
}
