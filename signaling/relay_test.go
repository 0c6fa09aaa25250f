package signaling

import (
	"slices"
	"strings"
	"testing"
	"time"

	"neochat/wire"
)

// What a browser needs for the relay comes with a join, and on request: of this session, at the address it used itself.
func TestRelayIsLent(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	a := w.login("a", "1")
	host := strings.TrimPrefix(w.http.URL, "http://")
	key := a.call("call", "friends", "b")
	asked, joined := a.answered("200", "message_type", "turn", "type", "GET"), a.answered("200", "message_type", "join", "connection_key", key)
	for _, m := range []*wire.Message{asked, joined} {
		if m.Get("turn_urls") != "turn:"+host+",turns:"+host || m.Get("turn_password") != "secret" || m.Get("turn_lifetime") != "3600" {
			t.Errorf("%q", m.Fields)
		}
		account, session, _ := strings.Cut(m.Get("turn_username"), "/")
		if own := a.answered("200", "message_type", "device", "type", "GET"); account != "a" || session == "" || own.Get("count") != "1" {
			t.Errorf("lent to %q", m.Get("turn_username"))
		}
	}
	if got := w.calls.peer(t, key+"/"+joined.Get("participant")).host; got != host {
		t.Errorf("the media were told %q, not %q", got, host)
	}
}

// Whatever ends a session ends what it has at the relay.
func TestRelayEndsWithTheSession(t *testing.T) {
	w := newWorld(t, Times{}, "a")
	session := func(c *client) string {
		_, id, _ := strings.Cut(c.answered("200", "message_type", "turn", "type", "GET").Get("turn_username"), "/")
		return id
	}
	a, phone, desk := w.login("a", "1"), w.login("a", "phone"), w.login("a", "desk")
	ofPhone, ofDesk := session(phone), session(desk)
	took := func(what string, want ...string) {
		t.Helper()
		got := w.relay.took()
		for until := time.Now().Add(patience); len(got) < len(want) && time.Now().Before(until); { // the answer may come first
			time.Sleep(time.Millisecond)
			got = append(got, w.relay.took()...)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q were taken back, not %q", what, got, want)
		}
	}
	took("nothing so far")
	a.answered("200", "message_type", "device", "type", "DELETE", "device", "phone")
	took("a device", "a/"+ofPhone)
	desk.answered("200", "message_type", "logout")
	took("a logout", "a/"+ofDesk)
	if err := w.srv.LookAgain(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	took("another program's change", "a")
	a.answered("200", "message_type", "password", "user_password", password, "new_password", password+"!")
	took("a new password", "a")
	a.answered("200", "message_type", "account", "type", "DELETE", "user_password", password+"!")
	took("an account", "a")
}

func TestNoRelay(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	w.srv.cfg.Relay = nil
	a := w.login("a", "1")
	a.answered("404", "message_type", "turn", "type", "GET")
	if m := a.answered("200", "message_type", "join", "connection_key", a.call("call", "friends", "b")); m.Get("turn_urls") != "" {
		t.Errorf("%q", m.Fields)
	}
}
