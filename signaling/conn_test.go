package signaling

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"neochat/store"
	"neochat/wire"
)

func encodeMessage(m *wire.Message) []byte {
	var b []byte
	for _, f := range m.Fields {
		b = wire.Append(b, f.Name, f.Value)
	}
	return b
}

func TestNoLoginInTime(t *testing.T) {
	w := newWorld(t, Times{Login: 30 * time.Millisecond})
	if code := w.dial("/message").closeCode(); code != wire.ClosePolicy {
		t.Errorf("closed with %d", code)
	}
}

func TestSilentPeerIsDropped(t *testing.T) {
	w := newWorld(t, Times{Ping: 20 * time.Millisecond, Silent: 60 * time.Millisecond}, "a")
	ws, _, err := websocket.Dial(context.Background(), "ws"+strings.TrimPrefix(w.http.URL, "http")+"/message",
		&websocket.DialOptions{OnPingReceived: func(context.Context, []byte) bool { return false }})
	if err != nil {
		t.Fatal(err)
	}
	defer ws.CloseNow()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, _, err := ws.Read(ctx); err == nil || ctx.Err() != nil {
		t.Errorf("a peer that sends no pong was kept: %v", err)
	}
}

func TestRevokedSessionIsClosed(t *testing.T) {
	w := newWorld(t, Times{Ping: 20 * time.Millisecond}, "a")
	a := w.login("a", "1")
	if err := w.store.SetSuspended(context.Background(), "a", true); err != nil {
		t.Fatal(err)
	}
	if code := a.closeCode(); code != wire.ClosePolicy {
		t.Errorf("closed with %d", code)
	}
}

func TestSlowReaderIsClosedAndSlowsNobody(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b", "c")
	a, c := w.login("a", "1"), w.login("c", "1")
	slow := w.dialSlow("b")
	group := a.ask("message_type", "group", "name", "g", "friends", "b,c").Get("group_id")
	c.await("message_type", "member_record")
	text := strings.Repeat("x", 16<<10)
	const n = 600 // 9.6 MB, past what the kernel's socket buffers take
	for i := range n {
		if m := a.ask("message_type", "text", "group_id", group, "text", text); m.Get("stat") != "200" {
			t.Fatalf("send %d: %q", i, m.Fields)
		}
		c.await("message_type", "text", "seq", strconv.Itoa(i+2))
	}
	for deadline := time.Now().Add(patience); len(w.srv.hub.of("b")) > 0; {
		if time.Now().After(deadline) {
			t.Fatal("a reader that reads nothing is still connected")
		}
		time.Sleep(time.Millisecond)
	}
	slow.CloseNow()
}

// dialSlow logs in and then reads nothing.
func (w *world) dialSlow(account string) *websocket.Conn {
	w.t.Helper()
	ctx := context.Background()
	ws, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(w.http.URL, "http")+"/message", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	err = ws.Write(ctx, websocket.MessageText, encode("message_type", "login", "user_account", account, "user_password", password, "device", "slow"))
	if err != nil {
		w.t.Fatal(err)
	}
	if _, _, err := ws.Read(ctx); err != nil {
		w.t.Fatal(err)
	}
	return ws
}

func TestPlainDeviceCatchesUpInPages(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	a := w.login("a", "1")
	text := strings.Repeat("y", 10_000)
	const n = 60 // more than four pages of at most 128 KiB
	for i := range n {
		a.ask("message_type", "text", "friends", "b", "text", strconv.Itoa(i)+text)
	}
	b := w.login("b", "")
	for i := range n {
		b.expect("message_type", "text", "seq", strconv.Itoa(i+1))
	}
	a.ask("message_type", "text", "friends", "b", "text", "live")
	b.expect("message_type", "text", "text", "live")
	b.quiet()
}

func TestPlainDeviceGetsAgainWhatItDidNotConfirm(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	a := w.login("a", "1")
	deaf := func(context.Context, []byte) bool { return false }
	ws, _, err := websocket.Dial(context.Background(), "ws"+strings.TrimPrefix(w.http.URL, "http")+"/message", &websocket.DialOptions{OnPingReceived: deaf})
	if err != nil {
		t.Fatal(err)
	}
	b := &client{t: t, account: "b", ws: ws, got: make(chan *wire.Message, 100), ended: make(chan error, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go b.read(ctx)
	b.send("message_type", "login", "user_account", "b", "user_password", password)
	b.expect("stat", "200")
	a.ask("message_type", "text", "friends", "b", "text", "once")
	b.expect("text", "once")
	cancel()

	b = w.login("b", "")
	b.expect("text", "once")
	b.quiet()
	// b answers pings: once the cursor has moved, a later login is told nothing.
	for i := 0; ; i++ {
		again := w.login("b", "")
		again.send("message_type", "profile", "type", "GET")
		if m := again.next(); m.Get("message_type") == "profile" {
			break
		} else if i > 1000 {
			t.Fatal("the plain device's cursor does not move")
		}
	}
}

func TestAnswersKeepTheOrderOfRequests(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	a := w.login("a", "1")
	var batch bytes.Buffer
	const n = 200
	for i := range n {
		switch i % 4 {
		case 0, 1:
			batch.Write(encode("task_id", strconv.Itoa(i), "message_type", "text", "friends", "b", "text", "x"))
		case 2:
			batch.Write(encode("task_id", strconv.Itoa(i), "message_type", "text", "friends", "b"))
		case 3:
			batch.Write(encode("task_id", strconv.Itoa(i), "message_type", "history", "type", "GET", "conversation", "1", "limit", "1"))
		}
	}
	if err := a.ws.Write(context.Background(), websocket.MessageText, batch.Bytes()); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		m := a.expect("task_id", strconv.Itoa(i))
		if i%4 == 3 {
			a.expect("message_type", "text", "seq", strconv.Itoa((i+1)/2)) // it sees the sends before it
			if m.Get("count") != "1" {
				t.Errorf("%q", m.Fields)
			}
		}
	}
}

func TestHistoryPages(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	a := w.login("a", "1")
	text := strings.Repeat("z", 16<<10-10)
	for range 20 {
		a.ask("message_type", "text", "friends", "b", "text", text)
	}
	seqs := func(lines ...string) (got []string, more string) {
		m := a.ask(append([]string{"message_type", "history", "type", "GET", "conversation", "1"}, lines...)...)
		n, err := strconv.Atoi(m.Get("count"))
		if err != nil {
			t.Fatalf("%q", m.Fields)
		}
		for range n {
			got = append(got, a.next().Get("seq"))
		}
		return got, m.Get("more")
	}
	for _, c := range []struct {
		lines []string
		want  string
		more  string
	}{
		{nil, "14 15 16 17 18 19 20", "yes"},
		{[]string{"before_seq", "14"}, "7 8 9 10 11 12 13", "yes"},
		{[]string{"before_seq", "4"}, "1 2 3", ""},
		{[]string{"before_seq", "1"}, "", ""},
		{[]string{"after_seq", "0"}, "1 2 3 4 5 6 7", "yes"},
		{[]string{"after_seq", "18"}, "19 20", ""},
		{[]string{"after_seq", "18", "limit", "1"}, "19", "yes"},
	} {
		got, more := seqs(c.lines...)
		if strings.Join(got, " ") != c.want || more != c.more {
			t.Errorf("%v: got %v more %q, want %s more %q", c.lines, got, more, c.want, c.more)
		}
	}
}

func TestSessionOverHTTP(t *testing.T) {
	w := newWorld(t, Times{}, "a")
	post := func(origin, form string) *http.Response {
		req, err := http.NewRequest(http.MethodPost, w.http.URL+"/session", strings.NewReader(form))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if origin != "" {
			req.Header.Set("Origin", origin)
		}
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp
	}
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	good := "user_account=a&user_password=" + strings.ReplaceAll(password, " ", "+")
	if r := post("http://elsewhere.example", good); r.StatusCode != 403 {
		t.Errorf("a foreign page logged in: %d", r.StatusCode)
	}
	if r := post("", "user_account=a&user_password=wrong"); r.StatusCode != 404 || len(r.Cookies()) > 0 {
		t.Errorf("wrong password: %d", r.StatusCode)
	}
	r := post(w.http.URL, good)
	if r.StatusCode != 200 || len(r.Cookies()) != 1 {
		t.Fatal(r.Status)
	}
	k := r.Cookies()[0]
	if !k.HttpOnly || k.SameSite != http.SameSiteStrictMode || k.Secure {
		t.Errorf("cookie %v", k)
	}
	code, body, _ := get(t, w.http.URL+"/session", k.Value)
	if code != 200 || body != "stat: 200\nuser_account: a\n\n" {
		t.Errorf("%d %q", code, body)
	}
	if r := post("", good+"&device=a+b"); r.StatusCode != 400 || len(r.Cookies()) > 0 {
		t.Errorf("a device with a space: %d", r.StatusCode)
	}
	if r := post("", good+"&device=Firefox-Linux"); r.StatusCode != 200 {
		t.Fatal(r.Status)
	}
	sessions, err := w.store.Sessions(t.Context(), "a")
	if err != nil || !slices.ContainsFunc(sessions, func(s store.Session) bool { return s.Device == "Firefox-Linux" }) {
		t.Errorf("%v %v", sessions, err)
	}
}

func TestShutdownTellsEverybody(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	a, b := w.login("a", "1"), w.login("b", "1")
	key := a.call("call", "friends", "b")
	a.join(key)
	b.join(key)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	w.srv.Shutdown(ctx)
	a.await("message_type", "cell", "type", "DELETE", "cell_key", key)
	for _, c := range []*client{a, b} {
		if code := c.closeCode(); code != wire.CloseRestart {
			t.Errorf("closed with %d", code)
		}
	}
}

func TestFailures(t *testing.T) {
	f, now := newFailures(3, time.Minute), time.Unix(1000, 0)
	for range 3 {
		if f.wait("a", "1", now) != 0 {
			t.Fatal("too early")
		}
		f.add("a", "1", now)
	}
	if f.wait("a", "1", now.Add(time.Second)) != 59*time.Second {
		t.Error("the fourth attempt may go on")
	}
	if f.wait("a", "2", now) != 0 || f.wait("b", "1", now) != 0 {
		t.Error("others are affected")
	}
	if f.wait("a", "1", now.Add(time.Minute)) != 0 {
		t.Error("it does not end")
	}
	for i := range maxFailureKeys + 10 {
		f.add(fmt.Sprint(i), "1", now)
	}
	if len(f.seen) > maxFailureKeys {
		t.Errorf("%d keys", len(f.seen))
	}
}

func TestFileTags(t *testing.T) {
	for _, c := range []struct {
		in, want string
		stat     int
	}{
		{"nothing here", "", 0},
		{"a <file>x_1_y.png</file> b <file>x_1_y.png</file><file>z</file>", "x_1_y.png z", 0},
		{"&lt;file>x</file>", "", 0},
		{"<file>x", "", 400},
		{"<file></file>", "", 403},
		{"<file>a/b</file>", "", 403},
		{strings.Repeat("<file>a</file>", 100), "a", 0},
	} {
		names, err := fileTags(c.in)
		stat := 0
		if e, ok := err.(*wire.Error); ok {
			stat = e.Stat
		}
		if stat != c.stat || stat == 0 && strings.Join(names, " ") != c.want {
			t.Errorf("%q: %v %v", c.in, names, err)
		}
	}
}

// TestEarlyFramesAreKept sends the login behind the upgrade request, in one
// write, before the upgrade was answered.
func TestEarlyFramesAreKept(t *testing.T) {
	w := newWorld(t, Times{}, "a")
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.http.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	text := encode("filler", strings.Repeat("x", 2*readBuffer), "message_type", "login", "user_account", "a", "user_password", password)
	frame := []byte{0x81, 0x80 | 126, byte(len(text) >> 8), byte(len(text)), 0, 0, 0, 0} // masked with zeros
	request := "GET /message HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
	if _, err := conn.Write(append(append([]byte(request), frame...), text...)); err != nil {
		t.Fatal(err)
	}
	conn.SetReadDeadline(time.Now().Add(patience))
	got := ""
	for b := make([]byte, 4096); !strings.Contains(got, "stat: 200"); {
		n, err := conn.Read(b)
		if err != nil {
			t.Fatalf("%v after %q", err, got)
		}
		got += string(b[:n])
	}
}

// TestCatchingUpLosesNothingOfOnesOwn: what the account's other devices do while a
// plain device catches up is in no page of what it missed, and must come all the same.
func TestCatchingUpLosesNothingOfOnesOwn(t *testing.T) {
	var b backlog
	b.begin()
	b.reading()
	held := func(it item) bool { hold, _ := b.holdBack(it); return hold }
	for change := range int64(4) {
		if !held(item{data: []byte{byte('0' + change)}, change: change, told: change%2 == 1}) {
			t.Error("a push went out before the pages")
		}
	}
	if got := string(b.before(2)); got != "1" {
		t.Errorf("before change 2 comes %q", got)
	}
	if b.reached(2, false) || b.reached(2, true) {
		t.Error("level, though pushes were held back since the page was read")
	}
	b.reading()
	if got := string(b.before(100)); got != "3" {
		t.Errorf("at the end comes %q", got)
	}
	if !b.reached(2, true) {
		t.Error("not level")
	}
	if held(item{change: 2, told: true}) || !held(item{change: 2}) || held(item{change: 3}) {
		t.Error("once level, only what a page brought is held back")
	}
	b.begin()
	if _, full := b.holdBack(item{data: make([]byte, maxPushed+1), change: 9, told: true}); !full {
		t.Error("what is held back has no bound")
	}
}

// TestDoubtIsTold: after a commit without an outcome a plain device is sent what it may have missed, and
// another is told to sync.
func TestDoubtIsTold(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	named, plain := w.login("b", "1"), w.login("b", "")
	done := make(chan error, 1)
	// Stored, and told nobody: as when the answer to a commit was lost.
	w.store.Post(store.Draft{Author: "a", To: []store.Target{{Account: "b"}}, Kind: "text", Text: "unheard"}, func(_ []store.Posted, err error) {
		w.srv.tellDoubt()
		done <- err
	})
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	plain.await("message_type", "text", "text", "unheard")
	named.expect("message_type", "sync")
}

// Two connections are the plain device: what one has confirmed while the other catches up reaches that one too.
func TestPlainDeviceTwice(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	a, one := w.login("a", "1"), w.login("b", "")
	for i := range 60 {
		text := fmt.Sprint("text ", i)
		a.send("message_type", "text", "friends", "b", "text", text)
		two := w.login("b", "") // may come before or after
		one.await("message_type", "text", "text", text)
		a.send("message_type", "text", "friends", "b", "text", text+" again")
		two.await("message_type", "text", "text", text+" again")
		one.await("message_type", "text", "text", text+" again")
		two.stop()
	}
}
