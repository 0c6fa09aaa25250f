package contract

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// grains are what rubbish is made of: pieces that mean something, in the wrong places.
func grains() []string {
	g := []string{"\n", "\n\n", "\r\n", "\r", ": ", ":", " ", "\n ", "\x00", "\n\n\x00", "\xff", "好", "%2B", "_", ",", "-1", "0", "1", "99999999999999999999", "yes",
		"<file>", "</file>", "<file>a</file>", strings.Repeat("x", 5000), strings.Repeat("\n ", 300), strings.Repeat("a: \n", 300), "v=0\r\n", "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"}
	for _, name := range []string{"message_type", "type", "task_id", "user_account", "user_password", "session", "device", "friends", "group_id", "conversation", "text", "file", "time",
		"file_name", "cell_type", "cell_key", "connection_key", "client_message_id", "before_seq", "after_seq", "limit", "read_seq", "name", "mid", "mline", "source", "muted", "sdp", "sdp_type", "candidate"} {
		g = append(g, name+": ", "\n"+name+": ")
	}
	for _, kind := range []string{"registered", "login", "profile", "text", "conversation", "history", "receipt", "group", "member", "file", "cell", "call", "videocall", "join",
		"restart", "leave", "description", "candidate", "track"} {
		g = append(g, "message_type: "+kind+"\n", kind)
	}
	return append(g, "type: GET\n", "type: DELETE\n", "type: PATCH\n", "friends: +2\n", "friends: +1,+2\n", "cell_type: 200\n", "offer", "microphone", "+1", "+2", "1-1")
}

func rubbish(r *rand.Rand, from []string) string {
	var b strings.Builder
	for range 1 + r.IntN(12) {
		b.WriteString(from[r.IntN(len(from))])
	}
	frame := []byte(b.String())
	for range r.IntN(3) { // and a few bits of it wrong
		frame[r.IntN(len(frame))] ^= 1 << r.IntN(8)
	}
	return string(frame)
}

func TestRubbishNeverKillsTheServer(t *testing.T) {
	t.Parallel()
	s := serve(t)
	r, from := rand.New(rand.NewPCG(1, 2)), grains()
	paths := []string{"/message", "/cell", "/file"}
	closes := map[websocket.StatusCode]int{}
	for round := range 60 {
		c := s.open(paths[round%3])
		if round%4 != 0 {
			c.login("+1", "d")
		}
		for range 50 {
			kind := websocket.MessageText
			if r.IntN(3) == 0 {
				kind = websocket.MessageBinary
			}
			if c.try(kind, rubbish(r, from)) != nil {
				break
			}
		}
		c.finish(closes)
	}
	for code := range closes {
		if code != websocket.StatusInvalidFramePayloadData && code != websocket.StatusMessageTooBig && code != websocket.StatusProtocolError {
			t.Errorf("rubbish was answered with close code %d", code)
		}
	}
	a, b := s.login("/message", "+1", "a"), s.login("/message", "+2", "b")
	mark(a, b, "+2")
	if resp, _ := s.get("GET", "/readyz", ""); resp.StatusCode != 200 {
		t.Errorf("/readyz: %s", resp.Status)
	}
}

// finish waits until everything sent was dealt with: a last answer came, or the server closed.
func (c *client) finish(closes map[websocket.StatusCode]int) {
	const last = "task_id: the-last\nmessage_type: profile\ntype: GET\n\n"
	if c.try(websocket.MessageText, last) == nil {
		_, open := c.wait(func(in []message) int {
			for i, m := range in {
				if m.get("task_id") == "the-last" {
					return i
				}
			}
			return -1
		})
		if open {
			c.drop()
			return
		}
	}
	closes[c.closed()]++
}

// A client that stops reading is let go; nobody else waits for it, and nothing is lost.
func TestSlowReaderHoldsUpNobody(t *testing.T) {
	t.Parallel()
	const texts, bunch = 1200, 8 // at most 128 KiB wait for one that reads
	s := serve(t)
	a, b := s.login("/message", "+1", "a"), s.login("/message", "+2", "reads")
	stuck := s.stuck("+2")
	frame := strings.Repeat("message_type: text\nfriends: +2\ntext: "+strings.Repeat("x", 16<<10)+"\n\n", bunch)
	for range texts / bunch {
		a.send(frame)
		for range bunch {
			a.want("message_type: text\nstat: 200")
			b.want("user_account: +1\nmessage_type: text")
		}
	}
	if got := b.last.get("seq"); got != "1200" {
		t.Errorf("the one that reads is at seq %s", got)
	}
	go stuck.read()
	stuck.closed()
	if n := len(stuck.in); n >= texts {
		t.Errorf("%d texts of 16 KiB waited for one that does not read", n)
	}
}

// stuck logs a connection in that reads nothing: its reader must be started by hand.
func (s *server) stuck(account string) *client {
	s.t.Helper()
	c, _ := s.dialUnread(dialing{path: "/message"})
	c.send("message_type: login\ndevice: stuck\nuser_account: " + account + "\nsession: " + s.token(account) + "\n\n")
	return c
}
