package signaling

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/coder/websocket"

	"neochat/wire"
)

// token logs in with the password on a connection of its own, and returns the session's token.
func (w *world) token(account, device string) string {
	w.t.Helper()
	c := w.dial("/message")
	c.account = account
	m := c.answered("200", "message_type", "login", "user_account", account, "user_password", password, "device", device)
	return m.Get("session")
}

// loginStat tries to log in and returns the stat.
func (w *world) loginStat(lines ...string) string {
	w.t.Helper()
	return w.dial("/message").ask(append([]string{"message_type", "login"}, lines...)...).Get("stat")
}

// dies waits for the connection to be closed as a revoked session's is.
func (c *client) dies() {
	c.t.Helper()
	if code := c.closeCode(); code != wire.ClosePolicy {
		c.t.Errorf("%s: closed with %d, not 1008", c.account, code)
	}
}

func TestChangePassword(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	token := w.token("a", "old")
	a, other, b := w.login("a", "1"), w.login("a", "2"), w.login("b", "1")
	a.answered("404", "message_type", "password", "user_password", "wrong", "new_password", "long enough")
	a.answered("400", "message_type", "password", "new_password", "long enough")
	a.answered("400", "message_type", "password", "user_password", password)
	a.answered("400", "message_type", "password", "user_password", password, "new_password", "short")
	other.quiet()
	session := a.answered("200", "message_type", "password", "user_password", password, "new_password", "long enough").Get("session")
	other.dies()
	b.quiet()
	a.quiet()
	for _, c := range []struct {
		stat  string
		lines []string
	}{
		{"404", []string{"user_account", "a", "user_password", password}},
		{"404", []string{"user_account", "a", "session", token}},
		{"200", []string{"user_account", "a", "session", session}},
		{"200", []string{"user_account", "a", "user_password", "long enough"}},
	} {
		if got := w.loginStat(c.lines...); got != c.stat {
			t.Errorf("%q: %s, want %s", c.lines, got, c.stat)
		}
	}
	a.answered("200", "message_type", "logout") // the new session is this connection's
	if got := w.loginStat("user_account", "a", "session", session); got != "404" {
		t.Errorf("after logging out: %s", got)
	}
}

// Guessing the present password is guessing at a login.
func TestPasswordGuessesCount(t *testing.T) {
	w := newWorld(t, Times{}, "a")
	a := w.login("a", "1")
	for range 10 {
		a.answered("404", "message_type", "password", "user_password", "wrong", "new_password", "long enough")
	}
	if m := a.answered("429", "message_type", "account", "type", "DELETE", "user_password", password); m.Get("retry_after") == "" {
		t.Errorf("%q", m.Fields)
	}
}

func TestDevices(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	a, phone, phone2, plain := w.login("a", "desk"), w.login("a", "phone"), w.login("a", "phone"), w.login("a", "")
	b := w.login("b", "phone")
	list := func() map[string][]*wire.Message {
		t.Helper()
		m := a.answered("200", "message_type", "device", "type", "GET")
		n, err := strconv.Atoi(m.Get("count"))
		if err != nil {
			t.Fatal(err)
		}
		all := map[string][]*wire.Message{}
		for range n {
			m := a.next()
			all[m.Get("device")] = append(all[m.Get("device")], m)
		}
		return all
	}
	all := list()
	if len(all["desk"]) != 1 || len(all["phone"]) != 2 || len(all[""]) != 1 {
		t.Fatalf("%d devices: %v", len(all), all)
	}
	if d := all["desk"][0]; d.Get("current") != "yes" || d.Get("online") != "yes" || d.Get("create_time") == "" || d.Get("last_seen") == "" {
		t.Errorf("this one: %q", d.Fields)
	}
	if d := all["phone"][0]; d.Get("current") != "" || d.Get("online") != "yes" {
		t.Errorf("another: %q", d.Fields)
	}
	b.answered("404", "message_type", "device", "type", "DELETE", "session", all["phone"][0].Get("session"))
	b.answered("404", "message_type", "device", "type", "DELETE", "device", "desk")
	a.answered("400", "message_type", "device", "type", "DELETE")
	a.answered("400", "message_type", "device", "type", "DELETE", "device", "phone", "session", "x")
	a.answered("404", "message_type", "device", "type", "DELETE", "device", "toaster")
	a.answered("404", "message_type", "device", "type", "DELETE", "session", "rubbish")
	phone.quiet()

	a.answered("200", "message_type", "device", "type", "DELETE", "session", all[""][0].Get("session"))
	plain.dies()
	a.answered("200", "message_type", "device", "type", "DELETE", "device", "phone")
	phone.dies()
	phone2.dies()
	b.quiet()
	if all := list(); len(all) != 1 || len(all["desk"]) != 1 {
		t.Errorf("left: %v", all)
	}
	a.answered("200", "message_type", "device", "type", "DELETE", "session", all["desk"][0].Get("session"))
	a.dies()
}

// What a revoked session's connection sends is not done, and nothing more reaches it.
func TestARevokedConnectionIsDead(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	b := w.login("b", "1")
	slow := w.dialSlow("a")
	c := w.served("a")
	c.revoke()
	if got := w.srv.hub.of("a"); len(got) != 0 {
		t.Error("it is still told things")
	}
	// Whether it is still sent or not, it is not done.
	_ = slow.Write(context.Background(), websocket.MessageText, encode("message_type", "text", "friends", "b", "text", "from beyond"))
	<-c.closed
	b.quiet()
	slow.CloseNow()
}

func TestRevokedInACallLeavesIt(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	a, b := w.login("a", "1"), w.login("b", "1")
	key := a.call("call", "friends", "b")
	b.await("message_type", "call", "cell_key", key)
	a.join(key)
	b.join(key)
	if err := w.store.SetSuspended(t.Context(), "b", true); err != nil {
		t.Fatal(err)
	}
	if err := w.srv.LookAgain(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	b.dies()
	a.await("message_type", "leave", "user_account", "b", "connection_key", key) // not after half a minute
}

func TestLookAgain(t *testing.T) {
	w := newWorld(t, Times{Ping: time.Hour}, "a", "b")
	a, b := w.login("a", "1"), w.login("b", "1")
	if err := w.srv.LookAgain(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	a.quiet()
	if err := w.store.SetPassword(t.Context(), "a", "another password"); err != nil {
		t.Fatal(err)
	}
	if err := w.srv.LookAgain(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	a.dies()
	b.quiet()
}

func TestDeleteAccount(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	a, other, b := w.login("a", "1"), w.login("a", "2"), w.login("b", "1")
	if m := a.answered("200", "message_type", "account", "type", "GET"); m.Get("operator") != "yes" || m.Get("bytes_used") != "0" || m.Get("bytes_allowed") != "" {
		t.Errorf("%q", m.Fields)
	}
	if m := b.answered("200", "message_type", "account", "type", "GET"); m.Get("operator") != "" {
		t.Errorf("%q", m.Fields)
	}
	group := a.answered("200", "message_type", "group", "name", "g", "friends", "b").Get("group_id")
	b.expect("message_type", "member_record", "event", "created")
	a.answered("200", "message_type", "text", "friends", "b", "text", "to be kept")
	conversation := b.expect("message_type", "text").Get("conversation")
	a.answered("200", "message_type", "friend", "friends", "b")
	b.expect("message_type", "friend", "state", "asked")
	b.answered("200", "message_type", "presence", "type", "GET", "friends", "a", "watch", "yes")
	b.expect("user_account", "a", "state", "online")

	a.answered("404", "message_type", "account", "type", "DELETE", "user_password", "wrong")
	a.answered("400", "message_type", "account", "type", "DELETE")
	b.quiet()
	a.answered("200", "message_type", "account", "type", "DELETE", "user_password", password)
	a.dies()
	other.dies()
	b.await("message_type", "member_record", "event", "left", "user_account", "a", "group_id", group)
	b.await("user_account", "a", "message_type", "friend", "friends", "b", "state", "ended")
	b.await("user_account", "a", "message_type", "presence", "state", "offline", "last_seen", "")
	b.answered("404", "message_type", "profile", "type", "GET", "friends", "a")
	b.answered("404", "message_type", "text", "conversation", conversation, "text", "x")
	b.answered("200", "message_type", "history", "type", "GET", "conversation", conversation)
	b.expect("user_account", "a", "text", "to be kept")
	if got := w.loginStat("user_account", "a", "user_password", password); got != "404" {
		t.Errorf("logging in: %s", got)
	}
	c := w.dial("/message")
	c.answered("409", "message_type", "registered", "user_account", "a", "user_password", password)
}

func TestRegisteringByInvitation(t *testing.T) {
	w := newWorld(t, Times{})
	w.srv.cfg.Registration = "invite"
	code, err := w.store.CreateInvitation(t.Context(), 1, time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	c := w.dial("/message")
	register := func(stat, account, code string) {
		t.Helper()
		c.answered(stat, "message_type", "registered", "user_account", account, "user_password", password, "invite", code)
	}
	register("403", "a", "")
	register("403", "a", "aaaa-bbbb-cccc-dddd")
	register("200", "a", code)
	register("403", "b", code)
	if u, err := w.store.User(t.Context(), "a"); err != nil || !u.Operator {
		t.Errorf("the first account: %+v, %v", u, err)
	}
}

// A hundred and first session ends the one unused longest, and its connection.
func TestSessionsMakeRoom(t *testing.T) {
	w := newWorld(t, Times{}, "a")
	first := w.login("a", "first")
	second := w.login("a", "second")
	for range 98 {
		if _, err := w.store.CreateSession(t.Context(), "a", "x"); err != nil {
			t.Fatal(err)
		}
	}
	w.login("a", "third")
	first.dies()
	second.quiet()
}
