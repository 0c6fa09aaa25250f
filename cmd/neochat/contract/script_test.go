package contract

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// The conversations under testdata are read line by line:
//
//	# a remark
//	urls /message /cell          the whole conversation is had once on each of these (default /message)
//	serve --min-password 4       flags of the server
//	login A +86101 [DEVICE]      opens connection A and logs in one of the prepared accounts, by its token
//	open A [URL]                 opens connection A; default: the URL of this round
//	A> line                      A sends; an empty line of the script ends the WebSocket message
//	A* line                      the same as a binary frame
//	A< line                      A receives this message next; an empty A< ends it, or A< . which also says that it has no further lines
//	A+ line                      the same, and it is in the same WebSocket message as the one before
//	A~ line                      A receives this sooner or later; messages in front of it are left waiting
//	A quiet                      nothing waits for A
//	A closed 1000                the server closes A with this code
//	A drop                       A's connection breaks
//
// In lines \r, \0 and \xHH are bytes and a final \c leaves out the line feed; patterns are those of fits.
type script struct {
	t     *testing.T
	srv   *server
	url   string
	conns map[string]*client
	vars  map[string]string
	line  int

	who, op string   // of the block being read
	block   []string // its lines
}

func TestConversations(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no conversations: %v", err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			t.Parallel()
			conversation(t, path)
		})
	}
}

// conversation holds what the file at path says, on a server with these further flags.
func conversation(t *testing.T, path string, flags ...string) {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, url := range directive(string(text), "urls", "/message") {
		t.Run(url[1:], func(t *testing.T) {
			srv := serve(t, append(directive(string(text), "serve", ""), flags...)...)
			s := &script{t: t, srv: srv, url: url, conns: map[string]*client{}, vars: map[string]string{}}
			s.run(string(text))
		})
	}
}

// directive returns the words behind a word that begins a line.
func directive(text, word, def string) []string {
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), word+" "); ok {
			return strings.Fields(rest)
		}
	}
	return strings.Fields(def)
}

func (s *script) run(text string) {
	for i, line := range strings.Split(text+"\n", "\n") {
		who, op, rest, ok := step(line)
		if !ok || who != s.who || op != s.op {
			s.flush()
		}
		s.line = i + 1
		switch {
		case ok:
			s.who, s.op = who, op
			s.block = append(s.block, rest)
			if (rest == "" || rest == ".") && op != ">" && op != "*" {
				s.flush()
			}
		case line != "" && line[0] != '#':
			s.command(strings.Fields(line))
		}
	}
}

// step splits "A> line" and its kin.
func step(line string) (who, op, rest string, ok bool) {
	i := strings.IndexAny(line, "><+~* ")
	if i <= 0 || line[i] == ' ' || i > 4 {
		return "", "", "", false
	}
	rest, spaced := strings.CutPrefix(line[i+1:], " ")
	return line[:i], line[i : i+1], unescape(rest), spaced || rest == ""
}

var escapes = strings.NewReplacer(`\r`, "\r", `\0`, "\x00")

func unescape(s string) string {
	s = escapes.Replace(s)
	for {
		i := strings.Index(s, `\x`)
		if i < 0 || i+4 > len(s) {
			return s
		}
		b, err := strconv.ParseUint(s[i+2:i+4], 16, 8)
		if err != nil {
			return s
		}
		s = s[:i] + string([]byte{byte(b)}) + s[i+4:]
	}
}

func (s *script) conn(name string) *client {
	s.t.Helper()
	c := s.conns[name]
	if c == nil {
		s.t.Fatalf("line %d: there is no connection %s", s.line, name)
	}
	return c
}

// flush acts on the block that was read.
func (s *script) flush() {
	block := s.block
	s.block = nil
	if len(block) == 0 {
		return
	}
	c := s.conn(s.who)
	if s.op == ">" || s.op == "*" {
		s.send(c, block)
		return
	}
	if n := len(block); block[n-1] == "" {
		block = block[:n-1]
	}
	if s.op == "~" {
		s.find(c, block)
		return
	}
	before := c.last.frame
	m := c.next()
	if why := fits(block, m, s.vars); why != "" {
		s.t.Fatalf("before line %d: %s: %s\n--- received\n%v\n--- expected\n%s", s.line, s.who, why, m, strings.Join(block, "\n"))
	}
	if s.op == "+" && m.frame != before {
		s.t.Fatalf("before line %d: %s: this came in a WebSocket message of its own:\n%v", s.line, s.who, m)
	}
}

func (s *script) send(c *client, block []string) {
	s.t.Helper()
	var frame strings.Builder
	for _, line := range block {
		line, open := strings.CutSuffix(fill(line, s.vars), `\c`)
		frame.WriteString(line)
		if !open {
			frame.WriteByte('\n')
		}
	}
	kind := websocket.MessageText
	if s.op == "*" {
		kind = websocket.MessageBinary
	}
	if err := c.try(kind, frame.String()); err != nil {
		s.t.Fatalf("before line %d: %s: sending: %v", s.line, s.who, err)
	}
}

func (s *script) find(c *client, block []string) {
	s.t.Helper()
	for i := range block {
		block[i] = fill(block[i], s.vars)
	}
	for k, v := range c.find(strings.Join(block, "\n")) {
		s.vars[k] = v
	}
}

// command acts on a line that is no part of a message.
func (s *script) command(w []string) {
	s.t.Helper()
	w = append(w, "", "", "")
	switch {
	case w[0] == "urls" || w[0] == "serve":
	case w[0] == "login":
		s.conns[w[1]] = s.srv.login(s.url, w[2], w[3])
	case w[0] == "open":
		url := s.url
		if w[2] != "" {
			url = w[2]
		}
		s.conns[w[1]] = s.srv.open(url)
	case w[1] == "quiet":
		s.conn(w[0]).quiet()
	case w[1] == "drop":
		s.conn(w[0]).drop()
	case w[1] == "closed":
		if code := s.conn(w[0]).closed(); strconv.Itoa(int(code)) != w[2] {
			s.t.Fatalf("line %d: %s was closed with %d", s.line, w[0], code)
		}
	default:
		s.t.Fatalf("line %d: not understood: %v", s.line, w)
	}
}
