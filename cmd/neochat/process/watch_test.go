package process

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// fetch gets a URL, under a host name where one is given.
func fetch(t *testing.T, client *http.Client, url, host string) (int, string) {
	t.Helper()
	r, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// overSocket is a client of what is served on a socket.
func overSocket(path string) *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}}}
}

// The operator's pages are on the operator's address and nowhere else.
func TestOperatorAlone(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "operator")
	s := start(t, t.TempDir(), "--operator-listen", "unix:"+socket)
	client := overSocket(socket)
	for path, want := range map[string]string{"/metrics": "neochat_connections 0", "/healthz": "ok", "/debug/pprof/": "goroutine", "/debug/pprof/goroutine?debug=1": "goroutine profile"} {
		if code, text := fetch(t, client, "http://operator"+path, ""); code != 200 || !strings.Contains(text, want) {
			t.Errorf("%s on the operator's address: %d, without %q", path, code, want)
		}
		if path == "/healthz" {
			continue // it is for load balancers too
		}
		if code, text := status(t, s, path); code != 404 || strings.Contains(text, want) {
			t.Errorf("%s on the public port: %d: %.200s", path, code, text)
		}
	}
	if code, text := fetch(t, client, "http://operator/debug/pprof/cmdline", ""); code != 404 || strings.Contains(text, "--data") {
		t.Errorf("the command line, which may hold a password: %d %q", code, text)
	}
	if info, err := os.Stat(socket); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket is not the owner's alone: %v, %v", info, err)
	}
	s.kill() // it leaves its socket behind
	again := start(t, s.data, "--operator-listen", "unix:"+socket)
	if code, _ := fetch(t, client, "http://operator/metrics", ""); code != 200 {
		t.Errorf("after a kill: %d", code)
	}
	again.stop(t)
	if _, err := os.Lstat(socket); !os.IsNotExist(err) {
		t.Errorf("the socket stays: %v", err)
	}
	http.DefaultClient.CloseIdleConnections()
}

// A page that a browser of the machine has loaded from elsewhere cannot read there.
func TestOperatorOnLoopback(t *testing.T) {
	t.Parallel()
	port, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := port.Addr().String()
	port.Close()
	s := start(t, t.TempDir(), "--operator-listen", at)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for host, want := range map[string]int{"": 200, "localhost:1": 200, "evil.example": 403} {
		if code, _ := fetch(t, client, "http://"+at+"/metrics", host); code != want {
			t.Errorf("as %q: %d, not %d", host, code, want)
		}
	}
	s.stop(t)
}

// Without the flag nothing is opened; with an address of everybody's, nothing starts.
func TestOperatorRefusals(t *testing.T) {
	t.Parallel()
	for _, address := range []string{":9464", "0.0.0.0:9464", "203.0.113.7:9464", "rubbish", "unix:relative"} {
		dir := t.TempDir()
		got := runIn(t, dir, "", nil, "serve", "--data", filepath.Join(dir, "data"), "--listen", "127.0.0.1:0", "--media-port", "0", "--operator-listen", address)
		if got.code != 1 || got.served || !strings.Contains(got.err, "--operator-listen") {
			t.Errorf("%s: exit code %d: %s", address, got.code, got.both())
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s: it left %v, %v", address, left, err)
		}
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	if r := run(t, "status", "--data", data); r.code != 3 || !strings.Contains(r.err, "no server runs") || !strings.Contains(r.err, data) {
		t.Errorf("without a server: exit code %d: %s", r.code, r.both())
	}
	s := start(t, data)
	register(t, s, "ann")
	ann := login(t, s, "ann")
	text := run(t, "status", "--data", data).must(t).out
	for _, want := range []string{"of 1 accounts", s.addr, s.media, "sqlite", "neochat.db", "answers", "0 of 8192 waiting", "none, no TLS", "goroutines"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if text := run(t, "status", "--data", data, "--json").must(t).out; !strings.Contains(text, `"accounts_online": 1`) {
		t.Error(text)
	}
	ann.gone()
	s.end(t, syscall.SIGKILL)
	if r := run(t, "status", "--data", data); r.code != 3 {
		t.Errorf("after a kill: exit code %d: %s", r.code, r.both())
	}
}
