package plugin

import (
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"neochat/clients/sdk"
	"neochat/clients/sdk/sdktest"
	"neochat/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience ends a wait for something that never comes.
const patience = time.Minute

const (
	ann  = "+86101"
	bob  = "+8200001"
	pass = "right password"
)

// world is a server, ann's client with a host of plugins, and bob's client.
type world struct {
	t      *testing.T
	server *sdktest.Server
	ann    *sdk.Client
	bob    *sdk.Client
	host   *Host
	opt    Options
	seen   chan sdk.Message // what ann's client was told, after the host was
	sent   chan sdk.Message // what plugins said in ann's name
	toBob  chan sdk.Message
	notes  chan string
}

func newWorld(t *testing.T, change func(*Options)) *world {
	t.Helper()
	w := &world{t: t, server: sdktest.New(), seen: make(chan sdk.Message, 10_000), sent: make(chan sdk.Message, 10_000),
		toBob: make(chan sdk.Message, 10_000), notes: make(chan string, 1000)}
	for _, a := range []string{ann, bob} {
		w.server.AddAccount(a, pass)
	}
	w.ann, w.bob = w.dial(ann), w.dial(bob)
	dir := t.TempDir()
	w.opt = Options{Client: w.ann, Grants: filepath.Join(dir, "config", "grants.toml"), Socket: filepath.Join(dir, "run", "s"),
		Note: func(s string) { w.notes <- s }, Sent: func(_ string, m sdk.Message) { w.sent <- m },
		Backoff: func(int) time.Duration { return time.Millisecond }}
	if change != nil {
		change(&w.opt)
	}
	host, err := Start(w.opt)
	if err != nil {
		t.Fatal(err)
	}
	w.host = host
	var pumps sync.WaitGroup
	pumps.Go(func() { pump(w.ann, host.Deliver, w.seen) })
	pumps.Go(func() { pump(w.bob, func(sdk.Message) {}, w.toBob) })
	t.Cleanup(func() {
		host.Close()
		w.ann.Close()
		w.bob.Close()
		pumps.Wait()
		w.server.Close()
	})
	return w
}

func (w *world) dial(account string) *sdk.Client {
	w.t.Helper()
	c, err := sdk.Dial(w.t.Context(), sdk.Options{URL: w.server.URL, Account: account, Password: pass, Device: "test"})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func pump(c *sdk.Client, deliver func(sdk.Message), to chan<- sdk.Message) {
	for e := range c.Events() {
		if m, ok := e.(sdk.Message); ok {
			deliver(m)
			to <- m
		}
	}
}

// get takes what must come.
func get[T any](t *testing.T, from <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatalf("%s did not come", what)
		panic("unreachable")
	}
}

// says lets bob write to ann, and waits until the host has been told.
func (w *world) says(texts ...string) (conversation string) {
	w.t.Helper()
	for _, text := range texts {
		sent, err := w.bob.Text(w.t.Context(), sdk.To{Account: ann}, text)
		if err != nil {
			w.t.Fatal(err)
		}
		conversation = sent.Conversation
		get(w.t, w.seen, text)
	}
	return conversation
}

// hears waits for a text to bob.
func (w *world) hears(text string) {
	w.t.Helper()
	if m := get(w.t, w.toBob, text); m.Text != text {
		w.t.Fatalf("bob heard %q, want %q", m.Text, text)
	}
}

// known makes a plugin known with these grants everywhere.
func (w *world) known(name string, grants ...Grant) (token string) {
	w.t.Helper()
	token, err := w.host.Add(name)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, g := range grants {
		if err := w.host.Grant(name, g, All); err != nil {
			w.t.Fatal(err)
		}
	}
	return token
}

// peer is a plugin's end of a connection.
type peer struct {
	t *testing.T
	net.Conn
	in *wire.Reader
}

func (w *world) connect() *peer {
	w.t.Helper()
	nc, err := net.Dial("unix", w.host.Socket())
	if err != nil {
		w.t.Fatal(err)
	}
	return newPeer(w.t, nc)
}

func newPeer(t *testing.T, nc net.Conn) *peer {
	t.Cleanup(func() { nc.Close() })
	_ = nc.SetReadDeadline(time.Now().Add(patience))
	return &peer{t: t, Conn: nc, in: wire.NewReader(nc, false, wire.DefaultLimits())}
}

// register connects a plugin.
func (w *world) register(name, token, mode string) *peer {
	w.t.Helper()
	p := w.connect()
	p.send("call: register", "plugin_name: "+name, "token: "+token, "mode: "+mode)
	p.want("200")
	return p
}

func (p *peer) send(lines ...string) {
	p.t.Helper()
	if _, err := p.Write([]byte("message_type: plugin\n" + strings.Join(lines, "\n") + "\n\n")); err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) next() wire.Message {
	p.t.Helper()
	m, err := p.in.Next()
	if err != nil {
		p.t.Fatalf("the next message: %v", err)
	}
	return m
}

// want reads an answer with this stat.
func (p *peer) want(stat string) wire.Message {
	p.t.Helper()
	m := p.next()
	if m.Get("stat") != stat {
		p.t.Fatalf("it was answered %q, want %s", m.Fields, stat)
	}
	return m
}

// ended waits for the end of the connection; what comes before it is left unread.
func (p *peer) ended() {
	p.t.Helper()
	for {
		if _, err := p.in.Next(); err != nil {
			if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
				p.t.Fatal("the connection does not end")
			}
			return
		}
	}
}

// status reads an answer for its stat alone.
func (p *peer) status() string {
	p.t.Helper()
	m := p.next()
	return m.Get("stat")
}
