package plugin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"neochat/clients/sdk"
	"neochat/clients/sdk/sdktest"
	"neochat/wire"
)

// TestNeverReads: a plugin that reads nothing is cut off, and what it missed is told to the next.
func TestNeverReads(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Limits = Limits{Queue: 5, Write: 50 * time.Millisecond} })
	token := w.known("p", Receive)
	idle := w.register("p", token, "push")
	n := 0
	eventually(t, "the plugin is cut off", func() bool { // its socket is full by then; the client never waits
		for range 10 {
			n++
			w.host.Deliver(message(fmt.Sprint(n), strings.Repeat("x", 8<<10)))
		}
		return !w.host.Plugins()[0].Connected
	})
	idle.ended()
	p := w.register("p", token, "push")
	m := p.next()
	if m.Get("missed") == "" || m.Get("text") == "" {
		t.Errorf("after a gap came %q", m.Fields)
	}
	for range 4 {
		if m = p.next(); m.Get("missed") != "" {
			t.Errorf("a second gap: %q", m.Get("missed"))
		}
	}
	if m.Get("message_id") != fmt.Sprint("1-", n) {
		t.Errorf("the last is %s", m.Get("message_id"))
	}
}

// TestDeliverWhileTaken: a flood of messages meets a plugin that takes them as they come.
func TestDeliverWhileTaken(t *testing.T) {
	w := newWorld(t, nil)
	p := w.register("p", w.known("p", Receive), "push")
	const all = 20_000
	var delivering sync.WaitGroup
	delivering.Go(func() {
		for i := range all {
			w.host.Deliver(message(fmt.Sprint(i), "x"))
		}
	})
	for got := 0; got < all; got++ {
		m := p.next()
		missed, _ := strconv.Atoi(m.Get("missed")) // none: nothing
		if got += missed; m.Get("message_id") != fmt.Sprint("1-", got) {
			t.Fatalf("message %s came in place %d", m.Get("message_id"), got)
		}
	}
	delivering.Wait()
}

func message(n, text string) sdk.Message {
	var m wire.Message
	for _, f := range [][2]string{{"user_account", bob}, {"message_type", "text"}, {"text", text}, {"message_id", "1-" + n}, {"conversation", "1"}, {"seq", n}} {
		m.Add(f[0], f[1])
	}
	return sdk.Message{Type: sdk.TypeText, Author: bob, Conversation: "1", ID: "1-" + n, Text: text, Wire: m}
}

// eventually waits for a state that nothing signals.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for until := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("never: %s", what)
		}
	}
}

// TestFloods: a plugin that asks without end is listened to at its pace, and its sends are refused past theirs.
func TestFloods(t *testing.T) {
	w := newWorld(t, func(o *Options) {
		o.Limits = Limits{Sends: Rate{0.001, 3}, Requests: Rate{1000, 10}, Shared: Rate{0.001, 4}}
	})
	p := w.register("p", w.known("p", Send, People, Receive), "pull")
	conversation := w.says("before")
	stats := map[string]int{}
	for i := range 100 {
		p.send("call: send_message", "conversation: "+conversation, "text: "+fmt.Sprint(i))
		m := p.next()
		stats[m.Get("stat")]++
		if m.Get("stat") == "429" && m.Get("retry_after") == "" {
			t.Fatalf("too often, and no word of until when: %q", m.Fields)
		}
	}
	if stats["200"] != 3 || stats["429"] != 97 {
		t.Errorf("sends were answered %v", stats)
	}
	clear(stats)
	for range 20 {
		p.send("call: get_current_user")
		stats[p.status()]++
	}
	if stats["200"] != 4 || stats["429"] != 16 {
		t.Errorf("questions to the server were answered %v", stats)
	}
	w.says("after") // ann's client goes on
}

// TestFloodsUnread: requests without end by one that reads no answers end with its connection.
func TestFloodsUnread(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Limits = Limits{Write: 50 * time.Millisecond, Requests: Rate{1e9, 1e9}} })
	p := w.register("p", w.known("p", Receive), "pull")
	request := []byte(strings.Repeat("message_type: plugin\ncall: get_message\ntask_id: "+strings.Repeat("x", 60)+"\n\n", 100))
	_ = p.SetWriteDeadline(time.Now().Add(patience))
	for {
		if _, err := p.Write(request); err != nil {
			break
		}
	}
	eventually(t, "the flooding plugin is cut off", func() bool { return !w.host.Plugins()[0].Connected })
	w.says("the chat goes on")
}

// TestTooLarge: messages beyond every limit end the connection, at once or after an answer.
func TestTooLarge(t *testing.T) {
	w := newWorld(t, nil)
	token := w.known("p", Send)
	p := w.register("p", token, "pull")
	p.send("call: send_message", "friends: "+bob, "text: "+strings.Repeat("x", 70<<10))
	p.want("413")
	_, _ = p.Write([]byte("message_type: " + strings.Repeat("x", 200<<10))) // it may be cut off while it writes
	p.ended()
	p = w.register("p", token, "pull")
	if _, err := p.Write([]byte("message_type: plugin\ncall: \xff\n\n")); err != nil {
		t.Fatal(err)
	}
	p.ended()
}

// TestSilent: who does not say which plugin it is has its connection ended.
func TestSilent(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Limits = Limits{Register: 20 * time.Millisecond} })
	p := w.connect()
	p.ended()
	registered := w.register("p", w.known("p", Receive), "push") // who has may be silent
	time.Sleep(50 * time.Millisecond)
	w.says("still here")
	registered.next()
}

// TestTooManyConnections: past the most, further ones are closed and those that are there stay.
func TestTooManyConnections(t *testing.T) {
	w := newWorld(t, nil)
	p := w.register("p", w.known("p", Receive), "push")
	var rest []*peer
	for range maxConns - 1 {
		rest = append(rest, w.connect())
	}
	eventually(t, "all are taken", func() bool {
		w.host.mu.Lock()
		defer w.host.mu.Unlock()
		return w.host.conns == maxConns
	})
	w.connect().ended()
	w.says("hello")
	p.next()
	for _, r := range rest {
		r.Close()
	}
	eventually(t, "room again", func() bool {
		w.host.mu.Lock()
		defer w.host.mu.Unlock()
		return w.host.conns == 1
	})
}

// TestServerAway: what needs the server is answered 503 while it is away; receiving goes on.
func TestServerAway(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Limits = Limits{Answer: 50 * time.Millisecond} })
	p := w.register("p", w.known("p", Send, People, History, Receive), "pull")
	w.says("before")
	w.server.Fail(sdktest.Faults{AnswerText: []int{503, 503, 503, 503, 503, 503, 503, 503}})
	w.server.Drop(ann, 1012)
	eventually(t, "ann is offline", func() bool { return !w.ann.Online() })
	for _, lines := range [][]string{{"call: get_current_user"}, {"call: send_message", "friends: " + bob, "text: x"}, {"call: get_user_info", "friends: " + bob}} {
		p.send(lines...)
		p.want("503")
	}
	p.send("call: get_message")
	p.want("200")
}

// fakeClient is a client without a server.
type fakeClient struct{}

func (fakeClient) Account() string { return ann }

func (fakeClient) Do(_ context.Context, m wire.Message) (wire.Message, []wire.Message, error) {
	answer := wire.Message{Fields: []wire.Field{{Name: "stat", Value: "200"}, {Name: "user_name", Value: m.Get("friends")}}}
	return answer, nil, nil
}

func (fakeClient) Send(context.Context, sdk.To, sdk.Draft) (sdk.Sent, error) {
	return sdk.Sent{}, &sdk.StatError{Stat: 404, Reason: "nobody"}
}

// FuzzConnection sends anything, and then a request that must still be answered unless the
// connection was ended.
func FuzzConnection(f *testing.F) {
	for _, s := range []string{"call: get_message\n\n", "message_type: plugin\ncall: get_message\nwait_ms: 0\n\n", "message_type: plugin\r\ncall: send_message\r\nfriends: b\r\ntext: x\r\n\r\n",
		"message_type: plugin\ncall: get_old_message\nfriends: x\nnumber: 3\n\n", " x\n\n\n", "message_type: plugin\ncall: register\n\n", "task_id: a\rb\r\nmessage_type: plugin\n\n", "\xff\n\n", "a: \x00\n\n"} {
		f.Add([]byte(s))
	}
	dir := f.TempDir()
	h, err := Start(Options{Client: fakeClient{}, Grants: filepath.Join(dir, "g"), Socket: filepath.Join(dir, "s"),
		Limits: Limits{Sends: Rate{1e9, 1e9}, Requests: Rate{1e9, 1e9}, Shared: Rate{1e9, 1e9}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(h.Close)
	token, err := h.Add("p")
	for _, g := range Grants() {
		err = errors.Join(err, h.Grant("p", g, All))
	}
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		w := &world{t: t, host: h}
		p := w.register("p", token, "pull")
		go func() { // it may be cut off, and ends then
			_, _ = p.Write(append(bytes.Clone(input), "\n\nmessage_type: plugin\ncall: get_message\ntask_id: last of all\n\n"...))
		}()
		for {
			m, err := p.in.Next()
			if err != nil || m.Get("task_id") == "last of all" {
				p.Close()
				return
			}
			if m.Get("stat") == "" {
				t.Fatalf("that is no answer: %q", m.Fields)
			}
		}
	})
}
