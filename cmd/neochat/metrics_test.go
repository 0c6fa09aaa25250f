package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/coder/websocket"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"neochat/files"
	"neochat/store"
)

// openHouse opens a whole server in this process, with these flags besides a folder and free ports.
func openHouse(t *testing.T, flags ...string) *house {
	t.Helper()
	var line struct {
		Serve serveCommand `cmd:""`
	}
	parser, err := kong.New(&line)
	if err != nil {
		t.Fatal(err)
	}
	data := t.TempDir()
	args := []string{"serve", "--data", data, "--listen", "127.0.0.1:0", "--media-port", "0", "--requests", "0"}
	if _, err := parser.Parse(append(args, flags...)); err != nil {
		t.Fatal(err)
	}
	h, err := line.Serve.open(t.Context(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- h.http.Serve(h.tcp.HTTP()) }()
	t.Cleanup(func() {
		h.stop()
		h.close()
		<-served
	})
	return h
}

// gathered is what a house tells, by metric.
func gathered(t *testing.T, h *house) map[string]*dto.MetricFamily {
	t.Helper()
	registry := prometheus.NewPedanticRegistry() // it checks that what is told is what was announced
	registry.MustRegister(newCollector(h))
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*dto.MetricFamily{}
	for _, f := range families {
		all[f.GetName()] = f
	}
	return all
}

func countSeries(families map[string]*dto.MetricFamily) (n int) {
	for _, f := range families {
		n += len(f.GetMetric())
	}
	return n
}

// Every figure that the manual lists is told by a server that has all there is.
func TestEveryFigureIsTold(t *testing.T) {
	h := openHouse(t, "--tls", "self-signed", "--trusted-proxy", "127.0.0.1")
	told := gathered(t, h)
	for _, f := range figures() {
		got := told[f.name]
		if got == nil {
			t.Errorf("%s is not told", f.name)
			continue
		}
		if kind := strings.ToLower(got.GetType().String()); kind != f.kind {
			t.Errorf("%s is a %s, not a %s", f.name, kind, f.kind)
		}
		if f.help == "" || f.kind == "counter" != strings.HasSuffix(f.name, "_total") {
			t.Errorf("%s: has no help, or a name that does not fit its kind", f.name)
		}
	}
	if len(told) != len(figures()) {
		t.Errorf("%d figures are told, %d listed", len(told), len(figures()))
	}
}

// TestSeriesAreBounded lets a thousand accounts send what they like: there are as many series as before.
func TestSeriesAreBounded(t *testing.T) {
	h := openHouse(t)
	// Beside the server, as its commands do it: with passwords that cost nothing.
	beside, err := store.Open(t.Context(), store.Config{Database: h.store.Place(), Logger: slog.New(slog.DiscardHandler),
		PasswordCost: store.PasswordCost{Memory: 64, Passes: 1, Parallelism: 1}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { beside.Close() })
	before := gathered(t, h)
	const accounts = 1000
	for i := range accounts {
		account := fmt.Sprintf("person-%d", i)
		if err := beside.CreateUser(t.Context(), store.User{Account: account}, "correct horse"); err != nil {
			t.Fatal(err)
		}
		session, err := beside.CreateSession(t.Context(), account, "d")
		if err != nil {
			t.Fatal(err)
		}
		talk(t, h, account, session.Token, fmt.Sprintf("rubbish_%d", i), "text", fmt.Sprintf("text\t%d", i))
	}
	after := gathered(t, h)
	if b, a := countSeries(before), countSeries(after); a != b || a > 400 {
		t.Errorf("%d series before, %d after", b, a)
	}
	unknown := 0.0
	for _, m := range after["neochat_answers_total"].GetMetric() {
		for _, l := range m.GetLabel() {
			if l.GetValue() == "unknown" {
				unknown += m.GetCounter().GetValue()
			}
		}
	}
	if unknown != 2*accounts {
		t.Errorf("%v answers to unknown message types, not %d", unknown, 2*accounts)
	}
}

// talk logs in and sends empty messages of these types, and waits for each answer.
func talk(t *testing.T, h *house, account, token string, types ...string) {
	t.Helper()
	ws, _, err := websocket.Dial(t.Context(), "ws://"+h.tcp.Addr().String()+"/message", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.CloseNow()
	ask := func(lines string) string {
		if err := ws.Write(t.Context(), websocket.MessageText, []byte(lines+"\n\n")); err != nil {
			t.Fatal(err)
		}
		_, answer, err := ws.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return string(answer)
	}
	if got := ask("message_type: login\nuser_account: " + account + "\nsession: " + token); !strings.Contains(got, "stat: 200") {
		t.Fatal(got)
	}
	for _, kind := range types {
		if got := ask("message_type: " + kind); !strings.Contains(got, "stat: 4") {
			t.Fatalf("%s: %s", kind, got)
		}
	}
}

func TestOperatorAddress(t *testing.T) {
	for address, want := range map[string]string{
		"127.0.0.1:9464": "local", "[::1]:0": "local", "localhost:1": "local", "[::ffff:127.0.0.1]:1": "local",
		"10.1.2.3:9464": "private", "192.168.0.1:1": "private", "100.100.1.1:1": "private", "[fd00::1]:1": "private", "[fe80::1%eth0]:1": "private",
		":9464": "", "0.0.0.0:1": "", "[::]:1": "", "8.8.8.8:1": "", "[2001:db8::1]:1": "", "chat.example.org:1": "", "9464": "", "[::ffff:8.8.8.8]:1": "",
	} {
		local, err := operatorAddress(address)
		got := "private"
		if local {
			got = "local"
		}
		if err != nil {
			got = ""
		}
		if got != want {
			t.Errorf("%s: %q, not %q (%v)", address, got, want, err)
		}
		if err != nil && !strings.Contains(err.Error(), "--operator-listen") {
			t.Errorf("%s: the flag is not named: %v", address, err)
		}
	}
}

// A browser of this machine that a stranger's page sends here under a name of its own learns nothing.
func TestOperatorByName(t *testing.T) {
	handler := byAddress(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for host, want := range map[string]int{"127.0.0.1:9464": 200, "[::1]:9464": 200, "localhost": 200, "localhost:1": 200, "evil.example:9464": 403, "": 403} {
		r := httptest.NewRequest("GET", "/metrics", nil)
		r.Host = host
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%q: %d, not %d", host, w.Code, want)
		}
	}
}

// failing is a store of files that fails with what it is told to.
type failing struct {
	blobs
	err error
}

func (f *failing) Put(_ context.Context, r io.Reader) (string, int64, error) {
	n, err := io.Copy(io.Discard, r)
	return "hash", n, errors.Join(err, f.err)
}
func (f *failing) Begin(context.Context, string, int64) error { return f.err }
func (f *failing) Append(_ context.Context, _ string, at int64, r io.Reader, _ bool) (int64, error) {
	n, err := io.Copy(io.Discard, r)
	if errors.Is(f.err, files.ErrOffset) {
		return 100, f.err
	}
	return at + n, errors.Join(err, f.err)
}
func (f *failing) Finish(context.Context, string) (string, error)          { return "hash", f.err }
func (f *failing) Open(context.Context, string) (io.ReadSeekCloser, error) { return nil, f.err }
func (f *failing) Check(context.Context) error                             { return f.err }

// What the client did does not count against the store of files.
func TestCountedBlobs(t *testing.T) {
	store := &failing{}
	c := &countedBlobs{blobs: store}
	broken := func() io.Reader { return io.MultiReader(strings.NewReader("half"), errReader{}) }
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	steps := []struct {
		what string
		do   func()
		err  error
		away bool
		want [5]uint64 // uploads, downloads, bytes, failures up and down
	}{
		{"stored", func() { c.Put(t.Context(), strings.NewReader("seven b")) }, nil, false, [5]uint64{1, 0, 7, 0, 0}},
		{"broken off by the client", func() { c.Put(t.Context(), broken()) }, nil, false, [5]uint64{1, 0, 7, 0, 0}},
		{"the disk is full", func() { c.Put(t.Context(), strings.NewReader("x")) }, errors.New("full"), true, [5]uint64{1, 0, 7, 1, 0}},
		{"the client has left", func() { c.Open(gone, "x") }, context.Canceled, true, [5]uint64{1, 0, 7, 1, 0}},
		{"checked", func() { c.Check(t.Context()) }, nil, false, [5]uint64{1, 0, 7, 1, 0}},
		{"away", func() { c.Open(t.Context(), "x") }, errors.New("no answer"), true, [5]uint64{1, 0, 7, 1, 1}},
		{"lost, but it answers", func() { c.Open(t.Context(), "x") }, fs.ErrNotExist, false, [5]uint64{1, 0, 7, 1, 2}},
		{"opened", func() { c.Open(t.Context(), "x") }, nil, false, [5]uint64{1, 1, 7, 1, 2}},
		{"begun where there is no room", func() { c.Begin(t.Context(), "x", 9) }, files.ErrFull, true, [5]uint64{1, 1, 7, 2, 2}},
		{"added to", func() { c.Append(t.Context(), "x", 5, strings.NewReader("four"), false) }, nil, false, [5]uint64{1, 1, 11, 2, 2}},
		{"added to, and broken off by the client", func() { c.Append(t.Context(), "x", 9, broken(), false) }, nil, false, [5]uint64{1, 1, 15, 2, 2}},
		{"added to at another place", func() { c.Append(t.Context(), "x", 9, strings.NewReader("four"), false) }, files.ErrOffset, false, [5]uint64{1, 1, 15, 2, 2}},
		{"added to, and the disk fails", func() { c.Append(t.Context(), "x", 9, strings.NewReader(""), false) }, errors.New("failed"), true, [5]uint64{1, 1, 15, 3, 2}},
		{"finished", func() { c.Finish(t.Context(), "x") }, nil, false, [5]uint64{2, 1, 15, 3, 2}},
		{"finished too early", func() { c.Finish(t.Context(), "x") }, files.ErrUnfinished, false, [5]uint64{2, 1, 15, 3, 2}},
	}
	for _, s := range steps {
		store.err = s.err
		s.do()
		got := [5]uint64{c.uploads.Load(), c.downloads.Load(), c.bytes.Load(), c.putFailures.Load(), c.openFailures.Load()}
		if got != s.want || c.away.Load() != s.away {
			t.Errorf("%s: %v, away %t; not %v, %t", s.what, got, c.away.Load(), s.want, s.away)
		}
	}
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, errors.New("the connection is gone") }

// TestManual holds the table in the manual against the program.
func TestManual(t *testing.T) {
	text, err := os.ReadFile("../../docs/operate.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), figuresTable()) {
		t.Errorf("docs/operate.md does not have the table of metrics; it is\n%s", figuresTable())
	}
	var names []string
	for _, f := range figures() {
		names = append(names, f.name)
	}
	slices.Sort(names)
	if len(slices.Compact(names)) != len(figures()) {
		t.Error("a name is there twice")
	}
}

func TestStatusText(t *testing.T) {
	for bytes, want := range map[uint64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 5 << 20: "5.0 MiB", 3 << 30: "3.0 GiB", 1 << 50: "1024.0 TiB"} {
		if got := size(bytes); got != want {
			t.Errorf("%d: %s, not %s", bytes, got, want)
		}
	}
	for bits, want := range map[uint64]string{999: "999 bit/s", 64_000: "64.0 kbit/s", 2_500_000: "2.5 Mbit/s"} {
		if got := bitrate(bits); got != want {
			t.Errorf("%d: %s, not %s", bits, got, want)
		}
	}
}
