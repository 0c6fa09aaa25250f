package contract

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// sample is docs/examples/chat.py at work: a client written from docs/protocol.md alone.
type sample struct {
	t     *testing.T
	typed io.WriteCloser
	lines chan string
	cmd   *exec.Cmd
}

const (
	samplePath   = "../../../docs/examples/chat.py"
	samplePython = "/usr/bin/python3" // Debian's: python3-websockets is installed for it
	sampleLines  = 100
)

func startSample(t *testing.T, s *server, account, friend string) *sample {
	t.Helper()
	c := &sample{t: t, lines: make(chan string, 1000),
		cmd: exec.Command(samplePython, samplePath, "ws://"+s.addr, account, friend)}
	c.cmd.Env = append(os.Environ(), "NEOCHAT_PASSWORD="+password)
	c.cmd.Stderr = os.Stderr
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if c.typed, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatalf("%v; python3 and python3-websockets are needed", err)
	}
	go func() {
		defer close(c.lines)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			c.lines <- lines.Text()
		}
	}()
	t.Cleanup(func() {
		c.cmd.Process.Kill()
		for range c.lines { // until its output has ended
		}
		c.cmd.Wait()
	})
	return c
}

func (c *sample) types(line string) {
	c.t.Helper()
	if _, err := io.WriteString(c.typed, line+"\n"); err != nil {
		c.t.Fatal(err)
	}
}

// prints waits for a line.
func (c *sample) prints(want string) {
	c.t.Helper()
	for {
		select {
		case line, open := <-c.lines:
			if !open {
				c.t.Fatalf("it ended before it printed %q", want)
			}
			if line == want {
				return
			}
			if !strings.HasPrefix(line, "* ") {
				c.t.Fatalf("it printed %q instead of %q", line, want)
			}
		case <-time.After(2 * patience):
			c.t.Fatalf("it did not print %q", want)
		}
	}
}

// TestSampleClientChats lets two of the sample talk, one of them through a server that is killed and comes back.
func TestSampleClientChats(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.FromSlash(samplePath))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), "\n"); n > sampleLines {
		t.Errorf("the sample has %d lines, and should show how little is needed: at most %d", n, sampleLines)
	}
	s := serve(t)
	a, b := startSample(t, s, "A", "B"), startSample(t, s, "B", "A")
	a.prints("* connected")
	b.prints("* connected")
	a.types("你好, colons: and  spaces ")
	b.prints("A: 你好, colons: and  spaces ")
	b.types("hello")
	a.prints("B: hello")

	s.signal(syscall.SIGKILL)
	<-s.exited
	a.types("said while the server was away")
	s.flags = append(s.flags, "--listen", s.addr)
	s.start()
	b.prints("A: said while the server was away")
	a.typed.Close()
	for range a.lines { // it ends when all it was told to say has been answered
	}
}
