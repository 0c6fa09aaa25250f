package deploy

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
)

const password = "correct horse battery"

// patience is how long an event that must come is waited for.
const patience = time.Minute

// begin starts a program that runs until the test ends, and returns its lines.
func begin(t *testing.T, env []string, line ...string) *bufio.Scanner {
	t.Helper()
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Env = append(os.Environ(), env...)
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = in
	log := &bytes.Buffer{}
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in.Close()
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
		out.Close()
		if t.Failed() {
			t.Logf("%s said:\n%.4000s", line[0], log)
		}
	})
	return bufio.NewScanner(out)
}

// serveBehind starts a server that trusts a proxy on this machine, and lets one address try 4 logins in a minute.
func serveBehind(t *testing.T) (addr string) {
	t.Helper()
	lines := begin(t, nil, native(t), "serve", "--data", filepath.Join(t.TempDir(), "data"), "--listen", "127.0.0.1:0", "--media-port", "0",
		"--trusted-proxy", "127.0.0.1,::1", "--registration", "open", "--logins", "4")
	for lines.Scan() {
		if m := served.FindStringSubmatch(lines.Text()); m != nil {
			return m[1]
		}
	}
	t.Fatal("the server did not start")
	return ""
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// example is a file of this folder with other addresses and names in it. Each must be there to be replaced.
func example(t *testing.T, path string, pairs ...string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(pairs); i += 2 {
		if !bytes.Contains(text, []byte(pairs[i])) {
			t.Fatalf("%s has no %q", path, pairs[i])
		}
		text = bytes.ReplaceAll(text, []byte(pairs[i]), []byte(pairs[i+1]))
	}
	return string(text)
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// certificate makes one for localhost.
func certificate(t *testing.T, dir string) (certificate, key string) {
	t.Helper()
	certificate, key = filepath.Join(dir, "crt.pem"), filepath.Join(dir, "key.pem")
	output(t, "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
		"-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate)
	return certificate, key
}

// TestNginx puts nginx with our example in front.
func TestNginx(t *testing.T) {
	t.Parallel()
	dir, port := t.TempDir(), freePort(t)
	crt, key := certificate(t, dir)
	site := write(t, filepath.Join(dir, "neochat.conf"), example(t, "nginx/neochat.conf", "127.0.0.1:8080;", serveBehind(t)+";", "\tlisten [::]:443 ssl http2;\n", "", "\tlisten [::]:80;\n", "",
		"listen 443", "listen 127.0.0.1:"+port, "listen 80", "listen 127.0.0.1:"+freePort(t), "chat.example.org;", "localhost;",
		"/etc/letsencrypt/live/chat.example.org/fullchain.pem", crt, "/etc/letsencrypt/live/chat.example.org/privkey.pem", key))
	var temp strings.Builder
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&temp, "%s_temp_path %s;\n", kind, filepath.Join(dir, kind))
	}
	main := write(t, filepath.Join(dir, "nginx.conf"), fmt.Sprintf("daemon off;\npid %s/pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\n%sinclude %s;\n}\n", dir, &temp, site))
	output(t, "/usr/sbin/nginx", "-t", "-q", "-e", "stderr", "-c", main)
	begin(t, nil, "/usr/sbin/nginx", "-e", "stderr", "-c", main)
	through(t, port)
}

// TestCaddy puts Caddy with our example in front.
func TestCaddy(t *testing.T) {
	t.Parallel()
	dir, port := t.TempDir(), freePort(t)
	crt, key := certificate(t, dir)
	site := example(t, "caddy/Caddyfile", "reverse_proxy 127.0.0.1:8080", "tls "+crt+" "+key+"\n\treverse_proxy "+serveBehind(t), "chat.example.org {", "localhost:"+port+" {")
	file := write(t, filepath.Join(dir, "Caddyfile"), "{\n\tadmin off\n\tauto_https disable_redirects\n}\n"+site)
	env := []string{"HOME=" + dir, "XDG_DATA_HOME=" + dir, "XDG_CONFIG_HOME=" + dir}
	begin(t, env, "caddy", "run", "--adapter", "caddyfile", "--config", file)
	through(t, port)
}

// through does all that people do, by way of a proxy on a port of localhost.
func through(t *testing.T, port string) {
	t.Helper()
	await(t, port)
	ann := connect(t, port, "127.0.0.1", nil)
	ann.want("200", "message_type: registered", "user_account: +1", "user_password: "+password)
	session := ann.want("200", "message_type: login", "user_account: +1", "user_password: "+password)["session"]
	body := bytes.Repeat([]byte("0123456789abcdef"), 1<<20-64) // just what one file may have
	ann.send(websocket.MessageBinary, append([]byte("message_type: file\ntime: 1\nfile_name: a+b.txt\n\n\x00"), body...))
	name := ann.answer("200")["file"]
	if name != "%2B1_1_a%2Bb.txt" {
		t.Fatalf("the file is called %q", name)
	}
	for _, path := range []string{name, strings.ReplaceAll(name, "%", "%25")} {
		if got := download(t, port, path, session); !bytes.Equal(got, body) {
			t.Errorf("%s: %d bytes, want the %d that were sent", path, len(got), len(body))
		}
	}
	uploads(t, port, session)
	addresses(t, port)
	ann.idle(3)
}

// uploads sends files over HTTP: in one request, by both ways in which a name may be encoded, and in pieces.
func uploads(t *testing.T, port, session string) {
	t.Helper()
	for path, name := range map[string]string{"%2B1_2_a%2Bb%20%25.txt": "%2B1_2_a%2Bb%20%25.txt", "%252B1_3_a%252Bb%2520%2525.txt": "%2B1_3_a%2Bb%20%25.txt"} {
		answer := send(t, port, session, "PUT", "/files/"+path, []byte(path))
		if answer.StatusCode != http.StatusCreated {
			t.Fatalf("PUT %s: %s", path, answer.Status)
		}
		for _, as := range []string{name, strings.ReplaceAll(name, "%", "%25")} {
			if got := download(t, port, as, session); string(got) != path {
				t.Errorf("%s, put as %s, holds %q", as, path, got)
			}
		}
	}
	body := bytes.Repeat([]byte("0123456789abcdef"), 3<<20)
	answer := send(t, port, session, "POST", "/uploads/", nil, "Upload-Length", fmt.Sprint(len(body)), "Upload-Metadata", "filename YSti,time NA==") // a+b, 4
	if answer.StatusCode != http.StatusCreated || answer.Header.Get("Neochat-File") != "%2B1_4_a%2Bb" {
		t.Fatalf("beginning an upload: %s, %v", answer.Status, answer.Header)
	}
	at := answer.Header.Get("Location")
	for _, piece := range [][2]int{{0, 20 << 20}, {20 << 20, len(body)}} {
		answer = send(t, port, session, "PATCH", at, body[piece[0]:piece[1]], "Upload-Offset", fmt.Sprint(piece[0]),
			"Content-Type", "application/offset+octet-stream")
		if answer.StatusCode != http.StatusNoContent || answer.Header.Get("Upload-Offset") != fmt.Sprint(piece[1]) {
			t.Fatalf("the piece from %d on: %s, %v", piece[0], answer.Status, answer.Header)
		}
	}
	if got := download(t, port, "%252B1_4_a%252Bb", session); !bytes.Equal(got, body) {
		t.Errorf("what came in pieces has %d bytes, want the %d that were sent", len(got), len(body))
	}
}

// send makes a request of a session, and reads its answer to the end.
func send(t *testing.T, port, session, method, path string, body []byte, header ...string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "https://localhost:"+port+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+session)
	req.Header.Set("Tus-Resumable", "1.0.0")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	answer, err := client("127.0.0.1").Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		t.Fatal(err)
	}
	return answer
}

// await waits until the proxy and the server behind it answer.
func await(t *testing.T, port string) {
	t.Helper()
	for begun := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		answer, err := client("127.0.0.1").Get("https://localhost:" + port + "/readyz")
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Since(begun) > patience {
			t.Fatalf("no answer by way of the proxy: %v (%v)", answer, err)
		}
	}
}

// client comes from an address of its own, and speaks HTTP/2 where it is offered.
func client(from string) *http.Client {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	return &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(addr)
			if err != nil {
				return nil, err
			}
			return dialer.DialContext(ctx, "tcp4", "127.0.0.1:"+port)
		}}}
}

func download(t *testing.T, port, name, session string) []byte {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, "https://localhost:"+port+"/files/"+name, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+session)
	answer, err := client("127.0.0.1").Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("GET /files/%s: %s (%v)", name, answer.Status, err)
	}
	return body
}

// addresses uses up the logins of one address: another still has its own, and a lie about where one comes from helps nobody.
func addresses(t *testing.T, port string) {
	t.Helper()
	try := func(from string, header http.Header) string {
		c := connect(t, port, from, header)
		defer c.ws.CloseNow()
		c.send(websocket.MessageText, []byte("message_type: login\nuser_account: nobody\nuser_password: wrong\n\n"))
		return c.read()["stat"]
	}
	for range 20 {
		if try("127.0.0.2", nil) == "429" {
			if got := try("127.0.0.2", http.Header{"X-Forwarded-For": {"203.0.113.9"}}); got != "429" {
				t.Errorf("with a lie about its address the login is answered %s", got)
			}
			if got := try("127.0.0.3", nil); got != "404" {
				t.Errorf("the login from another address is answered %s", got)
			}
			return
		}
	}
	t.Error("20 logins from one address were answered, with 4 a minute allowed")
}

// talk is a connection by way of the proxy.
type talk struct {
	t     *testing.T
	ws    *websocket.Conn
	pings atomic.Int64
}

func connect(t *testing.T, port, from string, header http.Header) *talk {
	t.Helper()
	c := &talk{t: t}
	plain := client(from)
	plain.Transport.(*http.Transport).ForceAttemptHTTP2 = false // RFC 8441 is not what browsers use here
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if header == nil {
		header = http.Header{}
	}
	header.Set("Origin", "https://localhost:"+port) // as a page says: the proxy must keep the Host
	var err error
	c.ws, _, err = websocket.Dial(ctx, "wss://localhost:"+port+"/message", &websocket.DialOptions{HTTPClient: plain, HTTPHeader: header,
		OnPingReceived: func(context.Context, []byte) bool { c.pings.Add(1); return true }})
	if err != nil {
		t.Fatal(err)
	}
	c.ws.SetReadLimit(32 << 20)
	t.Cleanup(func() { c.ws.CloseNow() })
	return c
}

func (c *talk) send(kind websocket.MessageType, text []byte) {
	c.t.Helper()
	if err := c.ws.Write(c.t.Context(), kind, text); err != nil {
		c.t.Fatal(err)
	}
}

// read returns the values of the next message.
func (c *talk) read() map[string]string {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	_, text, err := c.ws.Read(ctx)
	if err != nil {
		c.t.Fatal(err)
	}
	values := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": "); ok {
			values[name] = value
		}
	}
	return values
}

func (c *talk) answer(stat string) map[string]string {
	c.t.Helper()
	got := c.read()
	if got["stat"] != stat {
		c.t.Fatalf("answered %v, want %s", got, stat)
	}
	return got
}

func (c *talk) want(stat string, lines ...string) map[string]string {
	c.t.Helper()
	c.send(websocket.MessageText, []byte(strings.Join(lines, "\n")+"\n\n"))
	return c.answer(stat)
}

// idle says nothing until the server has pinged so many times, 25 s apart: longer than the minute after which proxies
// hang up.
func (c *talk) idle(pings int64) {
	c.t.Helper()
	ctx, cancel := context.WithCancel(c.t.Context())
	ended := make(chan error, 1)
	go func() { _, _, err := c.ws.Reader(ctx); ended <- err }() // what comes in between are pings
	before := c.pings.Load()
	for begun := time.Now(); c.pings.Load() < before+pings; {
		select {
		case err := <-ended:
			cancel()
			c.t.Fatalf("cut off after %v and %d pings: %v", time.Since(begun), c.pings.Load()-before, err)
		case <-time.After(100 * time.Millisecond):
		}
		if time.Since(begun) > 3*patience {
			cancel()
			c.t.Fatalf("only %d pings came", c.pings.Load()-before)
		}
	}
	c.ws.Write(ctx, websocket.MessageText, []byte("message_type: profile\ntype: GET\n\n"))
	if err := <-ended; err != nil {
		c.t.Errorf("after %d pings: %v", pings, err)
	}
	cancel()
}
