// Package live tests the SDK, and the programs made with it, against the real server: its
// binary as a process, on a database of its own.
package live

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"neochat/clients/sdk"
	"neochat/clients/sdk/sdktest"
)

// binary is the server's; set once, before any test runs.
var binary string

func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() {
		fmt.Println("processes are left out of short runs")
		return
	}
	dir, err := os.MkdirTemp("", "neochat-live-")
	if err == nil {
		binary, err = sdktest.Build(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(dir) // what is left lies among temporary files
		os.Exit(code)
	}))
}

const right = "right password"

// patience is how long an event that must come is waited for.
const patience = time.Minute

func ctx(t *testing.T) context.Context {
	c, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return c
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, got, want any) {
	t.Helper()
	if fmt.Sprintf("%v", got) != fmt.Sprintf("%v", want) {
		t.Fatalf("got %v, want %v", got, want)
	}
}

// world is a running server with accounts, behind something that can cut connections.
type world struct {
	t      *testing.T
	data   string
	server *sdktest.Process
	cutter *sdktest.Cutter
}

func newWorld(t *testing.T, accounts ...string) *world {
	t.Helper()
	w := &world{t: t, data: t.TempDir()}
	w.start()
	var err error
	w.cutter, err = sdktest.NewCutter(w.server.URL)
	must(t, err)
	t.Cleanup(func() { w.server.Kill() })
	t.Cleanup(w.cutter.Close)
	for _, a := range accounts {
		must(t, sdk.Register(ctx(t), w.options(a, ""), sdk.Profile{Name: "Name of " + a}, ""))
	}
	return w
}

// start starts the server, also again on the same data.
func (w *world) start() {
	w.t.Helper()
	var err error
	w.server, err = sdktest.StartProcess(binary, w.data)
	must(w.t, err)
	if w.cutter != nil {
		w.cutter.To(w.server.URL)
	}
}

func (w *world) options(account, device string) sdk.Options {
	transport := &http.Transport{}
	w.t.Cleanup(transport.CloseIdleConnections)
	return sdk.Options{URL: w.cutter.URL, Account: account, Password: right, Device: device,
		HTTPClient: &http.Client{Transport: transport}, Backoff: func(int) time.Duration { return 5 * time.Millisecond }}
}

// person is a client whose events are all kept, in their order.
type person struct {
	*sdk.Client
	t      *testing.T
	events chan sdk.Event
}

func (w *world) dial(account, device string) *person {
	return w.dialWith(account, device, nil)
}

func (w *world) dialWith(account, device string, state sdk.State) *person {
	w.t.Helper()
	opt := w.options(account, device)
	opt.State = state
	c, err := sdk.Dial(ctx(w.t), opt)
	must(w.t, err)
	p := &person{Client: c, t: w.t, events: make(chan sdk.Event, 100_000)}
	pumped := make(chan struct{})
	go func() {
		defer close(pumped)
		for e := range c.Events() {
			p.events <- e
		}
		close(p.events)
	}()
	w.t.Cleanup(func() { c.Close(); <-pumped })
	return p
}

// await returns the next event of type E for which ok holds, passing over others.
func await[E sdk.Event](p *person, ok func(E) bool) E {
	p.t.Helper()
	enough := time.After(patience)
	for {
		select {
		case e, open := <-p.events:
			if !open {
				p.t.Fatalf("the client ended: %v", p.Err())
			}
			if v, is := e.(E); is && (ok == nil || ok(v)) {
				return v
			}
		case <-enough:
			var zero E
			p.t.Fatalf("no %T came", zero)
		}
	}
}

func text(s string) func(sdk.Message) bool { return func(m sdk.Message) bool { return m.Text == s } }
