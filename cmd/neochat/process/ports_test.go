package process

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/pion/stun/v4"
)

// sockets are the server's listening TCP and its UDP sockets, as "tcp 8080" and "udp 8080", from what the kernel says of the process.
func (s *server) sockets(t *testing.T) []string {
	t.Helper()
	proc := fmt.Sprintf("/proc/%d", s.cmd.Process.Pid)
	fds, err := filepath.Glob(proc + "/fd/*")
	if err != nil || len(fds) == 0 {
		t.Fatalf("no descriptors: %v", err)
	}
	ours := map[string]bool{}
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil && strings.HasPrefix(to, "socket:[") {
			ours[strings.Trim(to, "socket:[]")] = true
		}
	}
	var found []string
	for _, protocol := range []string{"tcp", "tcp6", "udp", "udp6"} {
		f, err := os.Open(proc + "/net/" + protocol)
		if err != nil {
			t.Fatal(err)
		}
		for lines := bufio.NewScanner(f); lines.Scan(); {
			line := strings.Fields(lines.Text()) // sl local_address rem_address st … inode is the tenth
			if len(line) < 10 || !ours[line[9]] || strings.HasPrefix(protocol, "tcp") && line[3] != "0A" {
				continue
			}
			var number int
			if _, err := fmt.Sscanf(line[1][strings.LastIndex(line[1], ":")+1:], "%X", &number); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			found = append(found, fmt.Sprintf("%s %d", protocol[:3], number))
		}
		f.Close()
	}
	slices.Sort(found)
	return found
}

// TestPorts counts sockets: there is one TCP and one UDP port, of one number, for everything.
func TestPorts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ flags, more []string }{
		"alone":                 {nil, nil},
		"with TLS":              {[]string{"--tls", "self-signed"}, nil},
		"without a relay":       {[]string{"--relay", "off"}, nil},
		"with an open relay":    {[]string{"--relay", "open"}, nil}, // whose sockets come with allocations
		"behind a proxy":        {[]string{"--relay-listen", "127.0.0.1:0"}, []string{"relay"}},
		"with one for plain":    {[]string{"--tls", "self-signed", "--plain-listen", "127.0.0.1:0"}, []string{"plain"}},
		"on another UDP number": {[]string{"--media-port", "0"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, t.TempDir(), append([]string{"--media-port=-1"}, c.flags...)...)
			if same := s.media == portOf(s.addr); same == slices.Contains(c.flags, "--media-port") {
				t.Errorf("TCP has port %s, UDP %s", portOf(s.addr), s.media)
			}
			want := []string{"tcp " + portOf(s.addr), "udp " + s.media}
			for _, more := range c.more {
				want = append(want, "tcp "+portOf(s.printed(t, map[string]*regexp.Regexp{"relay": printedRelay, "plain": printedPlain}[more])))
			}
			slices.Sort(want)
			if got := s.sockets(t); !slices.Equal(got, want) {
				t.Errorf("its sockets are %q, not %q", got, want)
			}
		})
	}
}

// TestShutdownOfConnections ends a server that has connections of every kind, and in every state.
func TestShutdownOfConnections(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), "--tls", "self-signed", "--relay-listen", "127.0.0.1:0")
	relay := s.printed(t, printedRelay)
	c, trust := in(t, s, true, "ann")
	l := borrow(t, c)
	var open []net.Conn
	for _, transport := range []string{"tcp", "tls", "udp"} {
		a := s.over(t, transport, trust, l)
		a.mustAllocate()
		open = append(open, a.conn)
	}
	early := askAt(t, "tcp", relay, true, trust, l) // logged in, without an allocation
	early.ask(stun.MethodBinding)
	open = append(open, early.conn)
	for _, beginning := range []string{"", "\x16\x03\x01\x02\x00\x01\x00", "GET / HT", "\x00\x03\x00\x50\x21\x12\xa4\x42", "\x00\x60\x00\x01"} {
		for _, addr := range []string{s.addr, relay} {
			conn, err := net.Dial("tcp", addr)
			if err == nil {
				_, err = conn.Write([]byte(beginning))
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { conn.Close() })
			open = append(open, conn)
		}
	}
	silent, err := tls.Dial("tcp", s.addr, trust) // past its handshake, without a word
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	open = append(open, silent)
	code, took := s.end(t, syscall.SIGTERM)
	t.Logf("with %d connections it exited with %d after %v", len(open), code, took)
	if code != 0 || strings.Contains(s.log.String(), "level=ERROR") || strings.Contains(s.log.String(), "panic") {
		t.Errorf("exit code %d\n%s", code, s.log)
	}
	if got := c.closed(t); got != restarts {
		t.Errorf("the WebSocket was closed with %d", got)
	}
}
