package contract

import (
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// filled returns a message whose lines have n bytes as sent, the closing empty line left out.
func filled(lines string, n int) string {
	const name = "filler: "
	return lines + name + strings.Repeat("x", n-len(lines)-len(name)-1) + "\n"
}

const whoAmI = "task_id: 1\nmessage_type: profile\ntype: GET\n"

func TestHeaderLimit(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for _, path := range []string{"/message", "/cell", "/file"} {
		a := s.login(path, "+1", "a")
		a.send(filled(whoAmI, 64<<10) + "\n")
		a.want("task_id: 1\nmessage_type: profile\ntype: GET\nstat: 200")
		a.send(filled(whoAmI, 64<<10+1) + "\n" + "task_id: 2\nmessage_type: profile\ntype: GET\n\n")
		a.want("task_id: 1\nmessage_type: profile\ntype: GET\nstat: 413\nreason: …\n.")
		a.want("task_id: 2\nmessage_type: profile\ntype: GET\nstat: 200")
		a.send(filled(whoAmI, 128<<10) + "\n")
		a.want("task_id: 1\nmessage_type: profile\ntype: GET\nstat: 413\nreason: …\n.")
		a.quiet()
		a.send(strings.Repeat(filled(whoAmI, 40<<10)+"\n", 8)) // each within its limit
		for range 8 {
			a.want("task_id: 1\nmessage_type: profile\ntype: GET\nstat: 200")
		}
		a.send(filled(whoAmI, 200<<10) + "\n")
		if code := a.closed(); code != websocket.StatusMessageTooBig {
			t.Errorf("%s: lines of more than twice the limit: closed with %d", path, code)
		}
	}
}

func TestTextLimit(t *testing.T) {
	t.Parallel()
	s := serve(t)
	a, b := s.login("/message", "+1", "a"), s.login("/message", "+2", "b")
	say := func(text string) message {
		return a.ask("message_type: text\nfriends: +2\ntext: " + strings.ReplaceAll(text, "\n", "\n ") + "\n\n")
	}
	for name, text := range map[string]string{
		"of one line": strings.Repeat("x", 16<<10), "of line feeds": strings.Repeat("\n", 16<<10-2) + "xx",
		"of three-byte characters": strings.Repeat("好", 5461) + "x", "of spaces and CR": strings.Repeat(" \r", 8<<10),
	} {
		if m := say(text); m.get("stat") != "200" {
			t.Errorf("a text %s, 16 KiB: %v", name, m)
		} else if got := b.next().get("text"); got != text {
			t.Errorf("a text %s arrived with %d bytes, other than it was sent", name, len(got))
		}
		say(text+"x").fails(t, "413")
	}
	a.ask("message_type: text\nfriends: +2\ntext: \n\n").fails(t, "400")
	a.ask("message_type: text\nfriends: +2\n\n").fails(t, "400")
	a.ask("message_type: text\ntext: to whom?\n\n").fails(t, "400")
	a.ask("message_type: text\nfriends: +2\nclient_message_id: "+strings.Repeat("i", 65)+"\ntext: x\n\n").fails(t, "400")
	b.quiet()
}

func TestFrameLimitBeforeLogin(t *testing.T) {
	t.Parallel()
	s := serve(t)
	login := "message_type: login\ndevice: d\nuser_account: +1\nsession: " + s.token("+1") + "\n"
	c := s.open("/message")
	c.ask(filled(login, 4<<10)+"\n").fails(t, "413")
	c.send(filled(login, 4<<10-1) + "\n") // 4 KiB with its empty line
	c.want("message_type: login\nstat: 200")
	c = s.open("/message")
	small := "message_type: nonsense\n\n"
	c.send(strings.Repeat(small, 4<<10/len(small)) + login + "\n")
	for range 4 << 10 / len(small) {
		c.next().fails(t, "401")
	}
	c.next().fails(t, "413")
	c.quietBeforeLogin(t)
	c.send(filled(login, 9<<10) + "\n")
	if code := c.closed(); code != websocket.StatusMessageTooBig {
		t.Errorf("twice the limit before login: closed with %d", code)
	}
	c = s.open("/file")
	c.sendBinary("time: 1\nfile_name: x\n\n\x00" + strings.Repeat("x", 100<<10))
	if code := c.closed(); code != websocket.StatusMessageTooBig {
		t.Errorf("a body before login: closed with %d", code)
	}
}

// quietBeforeLogin checks that nothing waits on a connection that nobody has logged in on.
func (c *client) quietBeforeLogin(t *testing.T) {
	t.Helper()
	if m := c.ask("task_id: q\nmessage_type: profile\n\n"); m.get("task_id") != "q" {
		t.Errorf("nothing should have come, but this did:\n%v", m)
	}
}

func TestBodyLimit(t *testing.T) {
	t.Parallel()
	s := serve(t) // it hashes no password, so its memory is small
	a := s.login("/file", "+1", "a")
	body := strings.Repeat("0123456789abcdef", 1<<20)
	a.sendBinary("task_id: 0\ntime: 0\nfile_name: warm\n\n\x00x")
	a.want("task_id: 0\nstat: 200")
	before := s.rss()
	for _, time := range []string{"1", "2", "1"} {
		a.sendBinary("task_id: " + time + "\ntime: " + time + "\nfile_name: big\n\n\x00" + body)
		a.want("task_id: " + time + "\nstat: 200\nfile: %2B1_" + time + "_big")
	}
	a.send("type: GET\nfile: %2B1_2_big\n\n")
	if m := a.next(); string(m.body) != body {
		t.Errorf("16 MiB came back as %d bytes: %v", len(m.body), m)
	}
	a.sendBinary("task_id: 3\ntime: 3\nfile_name: big\n\n\x00" + body + "x")
	a.want("task_id: 3\nstat: 413\nreason: …\n.")
	a.quiet()
	a.send("type: GET\nfile: %2B1_3_big\n\n")
	a.next().fails(t, "404")
	// Less than one body, whole; a server with the race detector takes 13 MiB for the same.
	if grown := s.rss() - before; grown > 15<<20 {
		t.Errorf("the server's memory grew by %d bytes: bodies must be streamed", grown)
	}
	over := "time: 4\nfile_name: big\n\n\x00" + body + body + "\n" + body
	_ = a.try(websocket.MessageBinary, over) // the server may close before it has taken everything
	if code := a.closed(); code != websocket.StatusMessageTooBig {
		t.Errorf("a body of three times the limit: closed with %d", code)
	}
	s.login("/file", "+1", "b").quiet()
}

func TestBadUTF8(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for _, frame := range []string{"message_type: text\nfriends: +2\ntext: \xff\n\n", "\xc3: x\n\n", "message_type: text\nfriends: +2\ntext: cut \xe5\xa5\n\n",
		"message_type: text\nfriends: +2\ntext: surrogate \xed\xa0\x80\n\n"} {
		a := s.login("/message", "+1", "a")
		a.send(frame)
		if code := a.closed(); code != websocket.StatusInvalidFramePayloadData {
			t.Errorf("%q in a text frame: closed with %d", frame, code)
		}
		a = s.login("/message", "+1", "a")
		a.sendBinary(frame)
		a.next().fails(t, "400")
		a.quiet()
	}
	a := s.login("/message", "+1", "a")
	a.send("message_type: conversation\ntype: GET\n\n")
	a.want("message_type: conversation\ntype: GET\nstat: 200\ncount: 0\n.")
}

// Names and numbers at the edges of what the grammar allows.
func TestNames(t *testing.T) {
	t.Parallel()
	s := serve(t)
	a := s.login("/message", "+1", "a")
	for name, stat := range map[string]string{"x": "200", "x9_": "200", strings.Repeat("n", 64): "200", strings.Repeat("n", 65): "400", "9x": "400",
		"_x": "400", "X": "400", "x-y": "400", "é": "400", "": "400", "x ": "400", "task_id": "400"} {
		if m := a.ask(whoAmI + name + ": v\n\n"); m.get("stat") != stat {
			t.Errorf("a name %q: expected %s, received\n%v", name, stat, m)
		}
	}
	a.send("task_id: " + strings.Repeat("t", 64) + "\nmessage_type: profile\ntype: GET\n\n")
	a.want("task_id: " + strings.Repeat("t", 64) + "\nmessage_type: profile\ntype: GET\nstat: 200")
	a.ask("task_id: "+strings.Repeat("t", 65)+"\nmessage_type: profile\ntype: GET\n\n").fails(t, "400")
	for _, account := range []string{"", "ä", "a b", "a,b", "a/b", strings.Repeat("a", 101), "a:b", "a%b"} {
		a.ask("message_type: registered\nuser_account: "+account+"\nuser_password: long enough\n\n").fails(t, "400")
	}
	longest := "aZ9+._@-" + strings.Repeat("x", 92)
	a.send("message_type: registered\nuser_account: " + longest + "\nuser_password: long enough\n\n")
	a.want("message_type: registered\nstat: 200")
	a.send("message_type: cell\nfriends: " + longest + "\n\n")
	a.want("message_type: cell\nstat: 200\nconnection_key: %2B1_aZ9%2B.%5F%40-" + strings.Repeat("x", 92) + "_…")
	a.ask("message_type: text\nfriends: "+strings.ToLower(longest)+"\ntext: case counts\n\n").fails(t, "404")
}
