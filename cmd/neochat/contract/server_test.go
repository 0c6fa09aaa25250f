package contract

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"neochat/files/s3test"
)

// server is one running process with a data folder of its own.
type server struct {
	t        testing.TB
	data     string
	flags    []string
	troubled bool              // it was made to fail: it may log errors
	tokens   map[string]string // session tokens by account
	http     *http.Client

	cmd    *exec.Cmd
	addr   string
	exited chan struct{} // closed when the process has ended
	log    *buffer
}

// buffer takes the server's log.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer // guarded by mu
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// serve starts a server that ends, and must end well, with the test. Its data
// folder is a copy of the one that prepare made: its accounts are there.
func serve(t testing.TB, flags ...string) *server {
	t.Helper()
	if from := os.Getenv(preparedDatabaseEnv); from != "" {
		flags = slices.Concat(flags, databaseFlag(databases.Copy(t, from)))
	}
	s := newServer(t, t.TempDir(), flags)
	if err := os.CopyFS(s.data, os.DirFS(os.Getenv(preparedEnv))); err != nil {
		t.Fatal(err)
	}
	for _, account := range strings.Fields(accounts) {
		token, err := os.ReadFile(filepath.Join(s.data, "token-"+account))
		if err != nil {
			t.Fatal(err)
		}
		s.tokens[account] = string(token)
	}
	s.start()
	t.Cleanup(s.stop)
	return s
}

func newServer(t testing.TB, data string, flags []string) *server {
	return &server{t: t, data: data, flags: flags, tokens: map[string]string{},
		http: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}}
}

var listening = regexp.MustCompile(`listens on\s+(\S+) `)

func (s *server) start() {
	s.t.Helper()
	args := append([]string{"serve", "--data", s.data, "--listen", "127.0.0.1:0", "--media-port", "0", "--requests", "0", "--logins", "0", "--registrations", "0"}, s.flags...)
	s.cmd, s.log, s.exited = exec.Command(binary(), args...), &buffer{}, make(chan struct{})
	s.cmd.Stderr = s.log
	s.cmd.Env = append(os.Environ(), "NEOCHAT_CONFIG=", "NEOCHAT_S3_ACCESS_KEY="+s3test.AccessKey, "NEOCHAT_S3_SECRET_KEY="+s3test.SecretKey)
	out, err := s.cmd.StdoutPipe()
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		s.t.Fatalf("starting the server: %v", err)
	}
	lines := bufio.NewScanner(out)
	s.addr = ""
	for s.addr == "" && lines.Scan() {
		if m := listening.FindStringSubmatch(lines.Text()); m != nil {
			s.addr = m[1]
		}
	}
	cmd, exited := s.cmd, s.exited
	go func() {
		io.Copy(io.Discard, out)
		cmd.Wait()
		close(exited)
	}()
	if s.addr == "" {
		<-exited
		s.t.Fatalf("the server did not say where it listens:\n%s", s.log)
	}
}

// stop ends the server by SIGTERM, unless it is dead already, and checks that it ended well.
func (s *server) stop() {
	s.t.Helper()
	if s.cmd == nil {
		return
	}
	s.signal(syscall.SIGTERM)
	<-s.exited
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		s.t.Errorf("the server ended with exit code %d", code)
	}
	for _, bad := range []string{"panic", "DATA RACE", "level=ERROR"} {
		if bad == "level=ERROR" && s.troubled {
			continue
		}
		if strings.Contains(s.log.String(), bad) {
			s.t.Errorf("the server's log has %q", bad)
		}
	}
	if s.t.Failed() {
		s.t.Logf("the server's log:\n%s", tail(s.log.String(), 4000))
	}
	s.cmd = nil
}

// kill ends the server as a power cut would.
func (s *server) kill() {
	s.t.Helper()
	s.signal(syscall.SIGKILL)
	<-s.exited
	s.cmd = nil
}

func (s *server) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Errorf("the server is gone: %v\n%s", err, s.log)
	}
}

// rss returns the server's peak memory in bytes.
func (s *server) rss() int64 { return s.status("VmHWM:") << 10 }

// status reads a number of the process's state from the kernel.
func (s *server) status(name string) int64 {
	s.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		s.t.Skipf("no /proc here: %v", err)
	}
	_, rest, _ := strings.Cut(string(text), name)
	n, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	if err != nil {
		s.t.Fatalf("%s in /proc: %v", name, err)
	}
	return n
}

// cpu returns the processor time the server has used, in the kernel's ticks.
func (s *server) cpu() int64 {
	s.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		s.t.Skipf("no /proc here: %v", err)
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	f := strings.Fields(rest)
	user, err1 := strconv.ParseInt(f[11], 10, 64)
	system, err2 := strconv.ParseInt(f[12], 10, 64)
	if err1 != nil || err2 != nil {
		s.t.Fatalf("/proc: %q", text)
	}
	return user + system
}

// token returns a session token of one of the prepared accounts.
func (s *server) token(account string) string {
	s.t.Helper()
	if s.tokens[account] == "" {
		s.t.Fatalf("there is no account %s", account)
	}
	return s.tokens[account]
}

// login opens a connection that is account's device; "" is the plain one.
func (s *server) login(path, account, device string) *client {
	s.t.Helper()
	c := s.open(path)
	c.login(account, device)
	return c
}

// get asks for an HTTP answer, whole.
func (s *server) get(method, path, body string, header ...string) (*http.Response, string) {
	s.t.Helper()
	req, err := http.NewRequest(method, "http://"+s.addr+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	if host := req.Header.Get("Host"); host != "" {
		req.Host = host
	}
	resp, err := s.http.Do(req)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	return resp, string(text)
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }
