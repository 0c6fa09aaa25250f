package contract

import (
	"bufio"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

const pluginsManual = "../../../docs/plugins.md"

// chat is a running `neochat chat` in a pipe.
type chat struct {
	t     *testing.T
	typed io.WriteCloser
	lines chan string // of its output
	cmd   *exec.Cmd
}

// startChat starts one whose files are in home.
func startChat(t *testing.T, s *server, account, home string, flags ...string) *chat {
	t.Helper()
	c := &chat{t: t, lines: make(chan string, 10_000)}
	c.cmd = exec.Command(binary(), append([]string{"chat", "--server", "http://" + s.addr, "--account", account, "--device", "chat"}, flags...)...)
	c.cmd.Env = append(os.Environ(), "NEOCHAT_CONFIG=", "NEOCHAT_PASSWORD="+password, "XDG_CONFIG_HOME="+home, "XDG_RUNTIME_DIR="+home)
	in, err := c.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, w := io.Pipe()
	c.typed, c.cmd.Stdout, c.cmd.Stderr = in, w, w
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			c.lines <- lines.Text()
		}
	}()
	t.Cleanup(func() {
		in.Close()
		if err := c.cmd.Wait(); err != nil {
			t.Errorf("the chat ended with %v", err)
		}
		w.Close()
		<-done
	})
	c.prints("logged in as")
	return c
}

func (c *chat) types(line string) {
	c.t.Helper()
	if _, err := io.WriteString(c.typed, line+"\n"); err != nil {
		c.t.Fatal(err)
	}
}

// prints waits for a line that holds want.
func (c *chat) prints(want string) string {
	c.t.Helper()
	for {
		select {
		case line := <-c.lines:
			if strings.Contains(line, want) {
				return line
			}
		case <-time.After(2 * patience):
			c.t.Fatalf("the chat did not print %q", want)
		}
	}
}

var tokenShown = regexp.MustCompile(`may connect to (\S+) with the token (\S+),`)

// manual is a session of the manual being held.
type manual struct {
	t      *testing.T
	chat   *chat
	friend *client
	token  string
	socket string
	conn   net.Conn
	in     *bufio.Reader
	sends  []string
	wants  []string
}

// TestThePluginsManual holds the sessions of docs/plugins.md, as they stand there, with a real chat.
func TestThePluginsManual(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.FromSlash(pluginsManual))
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t)
	m := &manual{t: t, chat: startChat(t, s, "+86101", t.TempDir(), "--plugins"), friend: s.login("/message", "+8200001", "phone")}
	parts := strings.Split(string(text), "```session\n")
	if len(parts) < 3 {
		t.Fatal("the manual has no sessions")
	}
	for _, part := range parts[1:] {
		session, _, _ := strings.Cut(part, "```")
		for _, line := range lines(session) {
			m.line(line)
		}
		m.conn.Close()
	}
}

func (m *manual) line(line string) {
	m.t.Helper()
	mark, rest, _ := strings.Cut(line, " ")
	switch {
	case mark == "*":
		m.happens(rest)
	case mark == ">" && rest != "":
		m.sends = append(m.sends, strings.ReplaceAll(rest, "TOKEN", m.token))
	case mark == ">":
		if _, err := io.WriteString(m.conn, strings.Join(m.sends, "\n")+"\n\n"); err != nil {
			m.t.Fatal(err)
		}
		m.sends = nil
	case mark == "<" && rest != "":
		m.wants = append(m.wants, rest)
	case mark == "<":
		got := m.read()
		if why := fits(m.wants, message{lines: got}, map[string]string{}); why != "" {
			m.t.Fatalf("the manual says\n%s\nbut it is\n%s\n%s", strings.Join(m.wants, "\n"), strings.Join(got, "\n"), why)
		}
		m.wants = nil
	default:
		m.t.Fatalf("what is %q?", line)
	}
}

// happens does what a line behind a * says.
func (m *manual) happens(what string) {
	m.t.Helper()
	if text, ok := strings.CutPrefix(what, "+8200001 writes: "); ok {
		m.friend.send("task_id: t\nmessage_type: text\nfriends: +86101\ntext: " + text + "\n\n")
		m.friend.find("task_id: t\nmessage_type: text\nstat: 200")
		return
	}
	typed, ok := strings.CutPrefix(what, "+86101 types: ")
	if !ok {
		m.t.Fatalf("what is %q?", what)
	}
	m.chat.types(typed)
	switch {
	case strings.HasPrefix(typed, "/plugins add"):
		shown := tokenShown.FindStringSubmatch(m.chat.prints("with the token"))
		m.socket, m.token = shown[1], shown[2]
		m.connect()
	case strings.HasPrefix(typed, "/plugins grant"):
		m.chat.prints(strings.Fields(typed)[3] + " (")
	}
}

func (m *manual) connect() {
	m.t.Helper()
	conn, err := net.Dial("unix", m.socket)
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { conn.Close() })
	if err := conn.SetReadDeadline(time.Now().Add(2 * patience)); err != nil {
		m.t.Fatal(err)
	}
	m.conn, m.in = conn, bufio.NewReader(conn)
}

func (m *manual) read() (got []string) {
	m.t.Helper()
	for {
		line, err := m.in.ReadString('\n')
		if err != nil {
			m.t.Fatalf("after %q: %v", got, err)
		}
		if line == "\n" {
			return got
		}
		got = append(got, strings.TrimSuffix(line, "\n"))
	}
}

// TestChatHostsPlugins lets a chat start both samples, in a mode each, and ends it: they end with it.
func TestChatHostsPlugins(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	ping, echo := filepath.Join(home, "ping"), filepath.Join(home, "echo.py")
	if out, err := exec.Command("go", "build", "-o", ping, "neochat/clients/plugin/samples/ping").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile("../../../clients/plugin/samples/echo.py")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(echo, text, 0o600); err != nil {
		t.Fatal(err)
	}
	s := serve(t)
	bob := s.login("/message", "B", "phone")
	a := startChat(t, s, "A", home, "--plugin", "ping="+ping+" push", "--plugin", "echo="+samplePython+" "+echo+" pull")
	said := 0
	exchange := func(text, want string) {
		t.Helper()
		said++
		bob.send("task_id: t\nmessage_type: text\nfriends: A\ntext: " + text + "\n\n")
		bob.find("task_id: t\nmessage_type: text\nstat: 200")
		bob.find("user_account: A\nmessage_type: text\ntext: " + want)
	}
	a.types("/to B")
	a.types("hello")
	for _, name := range []string{"ping", "echo"} {
		a.types("/plugins grant " + name + " receive all")
		a.prints("receive (all)")
		a.types("/plugins grant " + name + " send")
		a.prints("send (B)")
	}
	for range 100 { // until they have registered: before that nothing is kept for them
		a.types("/plugins")
		first, second := a.prints("started here"), a.prints("started here")
		if !strings.Contains(first+second, "not connected") {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	exchange("ping", "pong")
	a.prints("(the plugin ping): pong")
	exchange("echo 你好\n  again", "你好\n  again")
	a.prints("(the plugin echo): 你好")
}
