package process

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long an event that must come is waited for. Nothing fails
// because a machine is slow, only because the event never came.
const patience = time.Minute

// listensOn finds the address in what a starting server prints.
var listensOn = regexp.MustCompile(`listens on\s+(\S+) \(TCP[^)]*\), (\d+) \(UDP`)

// transcript collects what a process writes.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (l *transcript) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *transcript) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// server is a running neochat.
type server struct {
	cmd   *exec.Cmd
	data  string
	addr  string      // of its TCP port
	media string      // its UDP port
	out   *transcript // what it printed
	log   *transcript
	done  chan struct{} // closed when it has exited
}

// unbounded are flags of a server that takes what comes as fast as a test can send.
var unbounded = []string{"--requests", "0", "--logins", "0", "--registrations", "0"}

// start runs "neochat serve" on the data folder and free ports, and returns once
// it listens. When the test ends it is killed, if it still runs.
func start(t testing.TB, data string, args ...string) *server {
	t.Helper()
	return startUnder(t, nil, data, args...)
}

// startUnder is start with words before the command, for a tracer.
func startUnder(t testing.TB, before []string, data string, args ...string) *server {
	t.Helper()
	line := append(append([]string{}, before...), neochat, "serve", "--data", data, "--listen", "127.0.0.1:0", "--media-port", "0")
	line = append(line, unbounded...)
	return startLine(t, data, nil, append(line, args...))
}

// startLine runs a whole command line that must become a server.
func startLine(t testing.TB, data string, env, line []string) *server {
	t.Helper()
	s := &server{cmd: exec.Command(line[0], line[1:]...), data: data, out: &transcript{}, log: &transcript{}, done: make(chan struct{})}
	s.cmd.Env = append(bareEnvironment(), env...)
	s.cmd.Stderr = s.log
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s.cmd.Stdout = in
	if err := s.cmd.Start(); err != nil {
		t.Fatalf("starting %v: %v", line, err)
	}
	in.Close()
	announced := make(chan []string, 1)
	go s.listen(out, announced)
	go func() { s.cmd.Wait(); close(s.done) }()
	t.Cleanup(s.kill)
	select {
	case found := <-announced:
		if found == nil {
			<-s.done
			t.Fatalf("the server did not start: %s\n%s", s.cmd.ProcessState, s.log)
		}
		s.addr, s.media = found[1], found[2]
	case <-time.After(patience):
		t.Fatalf("the server printed no address\n%s", s.log)
	}
	return s
}

// listen reads standard output to its end, and announces the address; nil: there was none.
func (s *server) listen(out *os.File, announced chan<- []string) {
	defer out.Close()
	lines := bufio.NewScanner(out)
	found := false
	for lines.Scan() {
		fmt.Fprintln(s.out, lines.Text())
		if m := listensOn.FindStringSubmatch(lines.Text()); m != nil && !found {
			found = true
			announced <- m
		}
	}
	if !found {
		announced <- nil
	}
}

// printed waits until it has printed something, and returns the first group of the expression.
func (s *server) printed(t testing.TB, what *regexp.Regexp) string {
	t.Helper()
	return found(t, s.out, what)
}

// logs waits until it has logged something, and returns the first group of the expression.
func (s *server) logs(t testing.TB, what string) string {
	t.Helper()
	return found(t, s.log, regexp.MustCompile("("+what+")"))
}

func found(t testing.TB, in *transcript, what *regexp.Regexp) string {
	t.Helper()
	for until := time.Now().Add(patience); time.Now().Before(until); time.Sleep(5 * time.Millisecond) {
		if m := what.FindStringSubmatch(in.String()); m != nil {
			return m[1]
		}
	}
	t.Fatalf("%v never came:\n%s", what, in)
	return ""
}

// end sends a signal and returns the exit code (-1: ended by the signal) and how long it took.
func (s *server) end(t testing.TB, sig syscall.Signal) (code int, took time.Duration) {
	t.Helper()
	begun := time.Now()
	if err := s.cmd.Process.Signal(sig); err != nil {
		t.Fatalf("signal %v: %v", sig, err)
	}
	select {
	case <-s.done:
	case <-time.After(patience):
		t.Fatalf("the server still runs %v after %v\n%s", patience, sig, s.log)
	}
	return s.cmd.ProcessState.ExitCode(), time.Since(begun)
}

// stop ends the server in good order.
func (s *server) stop(t testing.TB) {
	t.Helper()
	if code, _ := s.end(t, syscall.SIGTERM); code != 0 {
		t.Fatalf("exit code %d after SIGTERM\n%s", code, s.log)
	}
}

func (s *server) kill() {
	s.cmd.Process.Kill()
	<-s.done
}

// bareEnvironment is ours without anything that configures neochat.
func bareEnvironment() []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "NEOCHAT_") {
			env = append(env, v)
		}
	}
	return env
}

// command is a command that is not to configure itself by our environment.
func command(args ...string) *exec.Cmd {
	cmd := exec.Command(neochat, args...)
	cmd.Env = bareEnvironment()
	return cmd
}

// result is how a command ended.
type result struct {
	code     int
	out, err string
	served   bool // it became a server, and was killed
}

// both is everything it printed.
func (r result) both() string { return r.out + r.err }

// run runs neochat to its end.
func run(t testing.TB, args ...string) result {
	t.Helper()
	return runWith(t, "", nil, args...)
}

// runWith gives it standard input and more environment.
func runWith(t testing.TB, stdin string, env []string, args ...string) result {
	t.Helper()
	return runIn(t, t.TempDir(), stdin, env, args...)
}

// runIn is runWith in a folder. A command that becomes a server is killed; one
// that does not end in time is too, and fails the test.
func runIn(t testing.TB, dir, stdin string, env []string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, neochat, args...)
	cmd.Dir = dir
	cmd.Env = append(bareEnvironment(), env...)
	cmd.Stdin = strings.NewReader(stdin)
	var out, log transcript
	served := &watcher{to: &out, see: cancel}
	cmd.Stdout, cmd.Stderr = served, &log
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && !served.seen || errors.Is(ctx.Err(), context.DeadlineExceeded) {
		t.Fatalf("neochat %v: %v, %v\n%s%s", args, err, ctx.Err(), &out, &log)
	}
	return result{cmd.ProcessState.ExitCode(), out.String(), log.String(), served.seen}
}

// watcher passes on what is written and calls see when a server announces itself.
type watcher struct {
	to   *transcript
	see  func()
	seen bool
}

func (w *watcher) Write(p []byte) (int, error) {
	n, err := w.to.Write(p)
	if !w.seen && listensOn.MatchString(w.to.String()) {
		w.seen = true
		w.see()
	}
	return n, err
}

// must fails the test unless the command succeeded.
func (r result) must(t testing.TB) result {
	t.Helper()
	if r.code != 0 {
		t.Fatalf("exit code %d: %s", r.code, r.both())
	}
	return r
}
