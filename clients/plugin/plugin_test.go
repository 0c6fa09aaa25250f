package plugin

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"neochat/clients/sdk"
)

func TestPull(t *testing.T) {
	w := newWorld(t, nil)
	p := w.register("p", w.known("p", Receive, Send), "pull")
	conversation := w.says("one", "two\nlines")
	for _, text := range []string{"one", "two\nlines"} {
		p.send("task_id: 7", "call: get_message")
		head := p.want("200")
		if head.Get("task_id") != "7" || head.Get("call") != "get_message" || head.Get("count") != "1" {
			t.Fatalf("the answer is %q", head.Fields)
		}
		if m := p.next(); m.Get("text") != text || m.Get("user_account") != bob || m.Get("message_type") != "text" || m.Get("conversation") != conversation {
			t.Errorf("got %q", m.Fields)
		}
	}
	p.send("call: get_message")
	if head := p.want("200"); head.Get("count") != "0" {
		t.Errorf("with nothing left it is answered %q", head.Fields)
	}
	p.send("call: get_message", "wait_ms: 60000")
	w.says("three")
	p.want("200")
	if m := p.next(); m.Get("text") != "three" {
		t.Errorf("got %q", m.Fields)
	}
	p.send("call: send_message", "conversation: "+conversation, "text: first\n second", "client_message_id: x")
	first := p.want("200")
	w.hears("first\nsecond")
	if said := get(t, w.sent, "word of it"); said.ID != first.Get("message_id") || said.Text != "first\nsecond" {
		t.Errorf("the person is told %+v", said)
	}
	p.send("call: send_message", "conversation: "+conversation, "text: first\n second", "client_message_id: x")
	if again := p.want("200"); again.Get("message_id") != first.Get("message_id") {
		t.Errorf("the same again is %q", again.Fields)
	}
	p.send("call: send_message", "friends: "+bob, "text: <file>x_1_y</file>")
	p.want("200")
	w.hears("&lt;file>x_1_y</file>")
}

func TestPush(t *testing.T) {
	w := newWorld(t, nil)
	p := w.register("p", w.known("p", Receive, Send), "push")
	w.says("one")
	if m := p.next(); m.Get("text") != "one" || m.Get("message_type") != "text" || m.Get("stat") != "" || m.Get("missed") != "" {
		t.Errorf("pushed: %q", m.Fields)
	}
	p.send("call: get_message")
	p.want("409")
	p.send("call: send_message", "friends: "+bob, "text: hello")
	p.want("200")
	w.hears("hello")
}

func TestOldMessagesAndPeople(t *testing.T) {
	w := newWorld(t, nil)
	p := w.register("p", w.known("p", History, People), "pull")
	conversation := w.says("one", "two", "three")
	group, err := w.bob.CreateGroup(t.Context(), "garden", "", ann)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.bob.Text(t.Context(), sdk.To{GroupID: group.ID}, "roses"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		where, last string
		count       string
	}{
		{"friends: " + bob, "three", "2"}, {"conversation: " + conversation, "three", "2"}, {"group_id: " + group.ID, "roses", "2"},
	} {
		p.send("call: get_old_message", c.where, "number: 2")
		if head := p.want("200"); head.Get("count") != c.count {
			t.Fatalf("%s: %q", c.where, head.Fields)
		}
		p.next()
		if m := p.next(); m.Get("text") != c.last {
			t.Errorf("%s: the last is %q", c.where, m.Fields)
		}
	}
	p.send("call: get_user_info", "friends: "+bob)
	if m := p.want("200"); m.Get("user_account") != bob {
		t.Errorf("bob is %q", m.Fields)
	}
	p.send("call: get_current_user")
	if m := p.want("200"); m.Get("user_account") != ann {
		t.Errorf("ann is %q", m.Fields)
	}
	for _, wrong := range [][]string{
		{"404", "call: get_old_message", "conversation: 999"}, {"404", "call: get_old_message", "friends: nobody"}, {"404", "call: get_old_message", "group_id: 999"},
		{"400", "call: get_old_message", "conversation: 1", "group_id: 2"}, {"400", "call: get_old_message"}, {"400", "call: get_old_message", "friends: a,b"},
		{"400", "call: get_old_message", "friends: " + bob, "number: 201"}, {"400", "call: get_old_message", "friends: " + bob, "number: 0"},
		{"400", "call: get_user_info"}, {"404", "call: get_user_info", "friends: nobody"},
	} {
		p.send(wrong[1:]...)
		if m := p.want(wrong[0]); m.Get("reason") == "" {
			t.Errorf("%q is refused without a reason", wrong)
		}
	}
}

// TestGrants takes each grant away from a plugin, and gives it for one conversation only.
func TestGrants(t *testing.T) {
	w := newWorld(t, nil)
	p := w.register("p", w.known("p"), "pull")
	conversation := w.says("unheard")
	calls := map[Grant][]string{
		Receive: {"call: get_message"},
		History: {"call: get_old_message", "friends: " + bob},
		People:  {"call: get_current_user"},
		Send:    {"call: send_message", "friends: " + bob, "text: x"},
	}
	for g, lines := range calls {
		p.send(lines...)
		if m := p.want("403"); !strings.Contains(m.Get("reason"), "the grant "+string(g)+" is missing") {
			t.Errorf("%s: %q", g, m.Get("reason"))
		}
		if err := w.host.Grant("p", g, conversation); err != nil {
			t.Fatal(err)
		}
		p.send(lines...)
		answer := p.want("200")
		n, _ := strconv.Atoi(answer.Get("count")) // what is no list has none
		for range n {
			p.next()
		}
	}
	for _, lines := range [][]string{ // elsewhere, there or not, the answer is the same
		{"call: get_old_message", "conversation: 777"}, {"call: get_old_message", "friends: nobody"}, {"call: get_old_message", "group_id: 777"},
	} {
		p.send(lines...)
		if m := p.want("403"); m.Get("reason") != "the grant history is missing for this conversation; the person who runs the chat gives it with /plugins grant p history" {
			t.Errorf("%q: %q", lines, m.Get("reason"))
		}
	}
	p.send("call: send_message", "friends: nobody", "text: x")
	p.want("403")
	w.says("heard")
	if err := w.host.Revoke("p", Receive, conversation); err != nil {
		t.Fatal(err)
	}
	p.send("call: get_message")
	p.want("403")
	if err := w.host.Grant("p", Receive, "another"); err != nil {
		t.Fatal(err)
	}
	p.send("call: get_message")
	if m := p.want("200"); m.Get("count") != "0" {
		t.Errorf("what waited while the grant was taken back is given: %q", m.Fields)
	}
}

func TestRegister(t *testing.T) {
	w := newWorld(t, nil)
	token := w.known("p", Send, Receive)
	for _, lines := range [][]string{
		{"403", "call: register", "plugin_name: p", "token: wrong"}, {"403", "call: register", "plugin_name: p"}, {"403", "call: register", "plugin_name: q", "token: " + token},
		{"400", "call: register", "plugin_name: p", "token: " + token, "mode: both"}, {"401", "call: get_message"}, {"400", "call: register\nno colon"},
	} {
		p := w.connect()
		p.send(lines[1:]...)
		p.want(lines[0])
		p.ended()
	}
	p := w.connect()
	p.send("call: register", "plugin_name: p", "token: "+token)
	if m := p.want("200"); m.Get("plugin_name") != "p" || m.Get("user_account") != ann || m.Get("send") != "all" || m.Get("receive") != "all" || m.Get("history") != "" {
		t.Errorf("registered: %q", m.Fields)
	}
	for _, lines := range [][]string{{"409", "call: register"}, {"400", "call: nonsense"}, {"400"}, {"400", "task_id: " + strings.Repeat("x", 65), "call: get_message"},
		{"400", "call: get_message", "wait_ms: 60001"}, {"400", "call: send_message", "text: x"}, {"400", "call: x", "call: y"}} {
		p.send(lines[1:]...)
		p.want(lines[0])
	}
	if _, err := p.Write([]byte("message_type: text\nfriends: x\ntext: y\n\n")); err != nil {
		t.Fatal(err)
	}
	p.want("400")
	second := w.register("p", token, "push")
	p.ended()
	if _, err := w.host.Add("p"); err != nil { // another token: who had the old one is out
		t.Fatal(err)
	}
	second.ended()
	third := w.connect()
	third.send("call: register", "plugin_name: p", "token: "+token)
	third.want("403")
}

// TestReconnect: a message that was on its way to a connection that broke comes on the next.
func TestReconnect(t *testing.T) {
	w := newWorld(t, nil)
	token := w.known("p", Receive)
	p := w.register("p", token, "pull")
	p.send("call: get_message", "wait_ms: 60000")
	p.Close()
	w.says("one", "two")
	p = w.register("p", token, "push")
	for _, text := range []string{"one", "two"} {
		if m := p.next(); m.Get("text") != text {
			t.Errorf("got %q, want %s", m.Fields, text)
		}
	}
}

func TestLoopback(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Address = "127.0.0.1:0" })
	nc, err := net.Dial("tcp", w.host.Address())
	if err != nil {
		t.Fatal(err)
	}
	p := newPeer(t, nc)
	p.send("call: register", "plugin_name: p", "token: "+w.known("p", People))
	p.want("200")
	p.send("call: get_current_user")
	p.want("200")
	browser, err := net.Dial("tcp", w.host.Address())
	if err != nil {
		t.Fatal(err)
	}
	b := newPeer(t, browser)
	if _, err := b.Write([]byte("POST / HTTP/1.1\r\nHost: localhost\r\n\r\nmessage_type: plugin\ncall: get_current_user\n\n")); err != nil {
		t.Fatal(err)
	}
	b.want("400")
	b.ended()
	for _, address := range []string{"0.0.0.0:0", ":0", "192.0.2.1:0", "nonsense"} {
		opt := w.opt
		opt.Address, opt.Socket = address, filepath.Join(t.TempDir(), "s")
		if h, err := Start(opt); err == nil {
			h.Close()
			t.Errorf("it listens on %s", address)
		}
	}
}

func TestFilesOfAHost(t *testing.T) {
	w := newWorld(t, nil)
	w.known("p", Send)
	if _, err := Start(w.opt); err == nil || !strings.Contains(err.Error(), "another chat") {
		t.Errorf("a second host at the same path: %v", err)
	}
	for path, want := range map[string]os.FileMode{w.opt.Socket: 0o600, w.opt.Grants: 0o600, filepath.Dir(w.opt.Socket): 0o700, filepath.Dir(w.opt.Grants): 0o700} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	text, err := os.ReadFile(w.opt.Grants)
	if err != nil || !strings.Contains(string(text), "send = ['all']") {
		t.Errorf("the file of grants: %s, %v", text, err)
	}
	opt := w.opt
	opt.Socket = filepath.Join(t.TempDir(), "s")
	if err := os.WriteFile(opt.Socket, nil, 0o600); err != nil { // left behind
		t.Fatal(err)
	}
	h, err := Start(opt)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if all := h.Plugins(); len(all) != 1 || all[0].Name != "p" || len(all[0].Grants) != 1 {
		t.Errorf("another host knows %+v", all)
	}
	if err := h.Remove("p"); err != nil || len(h.Plugins()) != 0 {
		t.Errorf("removed: %v, %+v", err, h.Plugins())
	}
	if h.Remove("p") == nil || h.Grant("p", Send, All) == nil {
		t.Error("what is not known is removed, or granted something")
	}
	if _, err := h.Add("a/b"); err == nil {
		t.Error("a/b is taken for a name")
	}
}
