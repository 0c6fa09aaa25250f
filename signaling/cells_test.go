package signaling

import (
	"testing"
	"time"
)

// open makes a cell for the lines given and rings it; it returns the key.
func (c *client) call(kind string, lines ...string) string {
	c.t.Helper()
	m := c.ask(append([]string{"message_type", "cell"}, lines...)...)
	key := m.Get("connection_key")
	if key == "" {
		c.t.Fatalf("no cell: %q", m.Fields)
	}
	if m := c.ask("message_type", kind, "cell_key", key); m.Get("stat") != "200" {
		c.t.Fatalf("not rung: %q", m.Fields)
	}
	return key
}

func (c *client) join(key string) string {
	c.t.Helper()
	m := c.ask("message_type", "join", "connection_key", key)
	if m.Get("stat") != "200" {
		c.t.Fatalf("%s: not joined: %q", c.account, m.Fields)
	}
	return m.Get("participant")
}

func TestAcceptAndHangUp(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	a, b, b2 := w.login("a", "1"), w.login("b", "1"), w.login("b", "2")
	key := a.call("videocall", "friends", "b")
	b.expect("user_account", "a", "message_type", "videocall", "cell_key", key)
	b2.expect("user_account", "a", "message_type", "videocall", "cell_key", key)
	a.join(key)
	b.send("message_type", "cell", "cell_type", "200", "friends", "a")
	b.expect("message_type", "cell", "stat", "200", "cell_key", key)
	a.await("user_account", "b", "message_type", "cell", "cell_type", "200", "friends", "b")
	b2.expect("message_type", "cell", "cell_type", "409", "cell_key", key)
	b.join(key)
	a.await("message_type", "join", "user_account", "b", "connection_key", key)
	b.ask("message_type", "leave", "connection_key", key)
	a.await("message_type", "cell", "type", "DELETE", "cell_key", key)
	a.await("message_type", "call_record", "call", "videocall", "outcome", "answered", "connection_key", key)
	if m := a.ask("message_type", "join", "connection_key", key); m.Get("stat") != "404" {
		t.Errorf("a dead key answers %q", m.Fields)
	}
}

func TestRefuseClosesForBoth(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	a, b := w.login("a", "1"), w.login("b", "1")
	key := a.call("call", "friends", "b")
	b.ask("message_type", "cell", "cell_type", "404", "friends", "a", "cell_key", key)
	a.expect("user_account", "b", "message_type", "cell", "cell_type", "404", "friends", "b")
	a.expect("message_type", "call_record", "outcome", "refused")
	b.expect("message_type", "call_record", "outcome", "refused")
	if m := a.ask("message_type", "call", "cell_key", key); m.Get("stat") != "404" {
		t.Errorf("a dead key answers %q", m.Fields)
	}
}

func TestNobodyAnswers(t *testing.T) {
	w := newWorld(t, Times{Ring: 50 * time.Millisecond}, "a", "b", "c")
	a, b, c := w.login("a", "1"), w.login("b", "1"), w.login("c", "1")
	key := a.call("call", "friends", "b")
	b.await("message_type", "call", "type", "DELETE", "cell_key", key, "cause", "timeout")
	a.await("message_type", "cell", "cell_type", "408", "friends", "b")
	a.await("message_type", "call_record", "outcome", "missed")

	key = a.call("call", "friends", "b,c")
	for _, x := range []*client{b, c} {
		x.await("message_type", "call", "type", "DELETE", "cell_key", key, "cause", "timeout")
		x.await("message_type", "call_record", "outcome", "missed", "connection_key", key)
	}
	if m := a.ask("message_type", "call", "cell_key", key); m.Get("stat") != "404" {
		t.Errorf("nobody rings and nobody has joined, but the key answers %q", m.Fields)
	}
}

func TestSeveralCallees(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b", "c")
	a, b, c := w.login("a", "1"), w.login("b", "1"), w.login("c", "1")
	key := a.call("call", "friends", "b,c")
	b.ask("message_type", "cell", "cell_type", "404", "cell_key", key)
	a.await("message_type", "cell", "cell_type", "404", "friends", "b")
	c.ask("message_type", "cell", "cell_type", "200", "cell_key", key)
	a.await("message_type", "cell", "cell_type", "200", "friends", "c")
	c.join(key)
	a.join(key)
	c.await("message_type", "join", "user_account", "a")
	a.ask("message_type", "leave", "connection_key", key)
	c.await("message_type", "leave", "user_account", "a")
	if m := c.ask("message_type", "cell", "type", "GET"); m.Get("count") != "1" {
		t.Errorf("the call goes on without its opener, but is listed as %q", m.Fields)
	}
	c.expect("connection_key", key, "user_account", "a", "friends", "a,b", "participants", "1")
	c.ask("message_type", "leave", "connection_key", key)
	c.await("message_type", "call_record", "outcome", "answered")
	b.await("message_type", "call_record", "outcome", "refused")
}

func TestCancel(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	a, b := w.login("a", "1"), w.login("b", "1")
	key := a.call("call", "friends", "b")
	b.await("message_type", "call", "cell_key", key)
	a.ask("message_type", "call", "type", "DELETE", "cell_key", key)
	b.expect("message_type", "call", "type", "DELETE", "cell_key", key, "cause", "cancelled")
	b.expect("message_type", "call_record", "outcome", "cancelled")
	if m := b.ask("message_type", "cell", "cell_type", "200", "cell_key", key); m.Get("stat") != "404" {
		t.Errorf("a cancelled call was answered: %q", m.Fields)
	}
}

func TestCrossingCallsMeet(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	a, b := w.login("a", "1"), w.login("b", "1")
	older := b.call("call", "friends", "a")
	m := a.ask("message_type", "cell", "friends", "b")
	m = a.ask("message_type", "call", "cell_key", m.Get("connection_key"))
	if m.Get("cell_key") != older {
		t.Fatalf("rung %q, want the older %s", m.Fields, older)
	}
	b.expect("user_account", "a", "message_type", "cell", "cell_type", "200", "cell_key", older)
	a.join(older)
	b.join(older)
}

func TestUnrungCellCloses(t *testing.T) {
	w := newWorld(t, Times{Unrung: 20 * time.Millisecond}, "a", "b")
	a, b := w.login("a", "1"), w.login("b", "1")
	key := a.ask("message_type", "cell", "friends", "b").Get("connection_key")
	for a.ask("message_type", "leave", "connection_key", key).Get("reason") != errNoCell().Error() {
	}
	b.quiet()
}

func TestThreeCellsAtOnce(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	a := w.login("a", "1")
	keys := map[string]bool{}
	for range maxCells {
		keys[a.ask("message_type", "cell", "friends", "b").Get("connection_key")] = true
	}
	if len(keys) != maxCells || keys[""] {
		t.Errorf("keys %v", keys)
	}
	if m := a.ask("message_type", "cell", "friends", "b"); m.Get("stat") != "429" {
		t.Errorf("a fourth cell: %q", m.Fields)
	}
}

func TestVanishedParticipantMayComeBack(t *testing.T) {
	w := newWorld(t, Times{Linger: 100 * time.Millisecond}, "a", "b")
	a, b := w.login("a", "1"), w.login("b", "1")
	key := a.call("call", "friends", "b")
	a.join(key)
	id := b.join(key)
	a.await("message_type", "join", "user_account", "b")
	w.calls.peer(t, key+"/"+id).events().Gone("failed")
	a.await("message_type", "leave", "user_account", "b", "participant", id)
	b.join(key)
	a.await("message_type", "join", "user_account", "b")
	b.stop()
	a.await("message_type", "leave", "user_account", "b")
	a.await("message_type", "cell", "type", "DELETE", "cell_key", key)
}

func TestRestartGivesTheParticipantBack(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	a, b := w.login("a", "1"), w.login("b", "1")
	key := a.call("call", "friends", "b")
	a.join(key)
	id := b.join(key)
	a.await("message_type", "join", "user_account", "b")
	b.stop()
	b = w.login("b", "1")
	m := b.ask("message_type", "restart", "connection_key", key)
	if m.Get("participant") != id {
		t.Fatalf("restart: %q", m.Fields)
	}
	b.await("message_type", "join", "user_account", "a")
	w.calls.peer(t, key+"/"+id).events().Track("1", "camera", "4", true)
	b.await("message_type", "track", "user_account", "a", "source", "camera", "mid", "4", "muted", "yes")
	a.quietBut("sections") // the media's own, whenever it comes
	if m := b.ask("message_type", "description", "connection_key", key, "sdp_type", "offer", "sdp", "v=0"); m.Get("sdp") != "answer to v=0" {
		t.Errorf("%q", m.Fields)
	}
	if m := b.ask("message_type", "description", "connection_key", key, "sdp_type", "offer", "sdp", "rubbish"); m.Get("stat") != "400" {
		t.Errorf("%q", m.Fields)
	}
}

func TestStrangersKnowNoCall(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b", "s")
	a, s := w.login("a", "1"), w.login("s", "1")
	key := a.call("call", "friends", "b")
	for _, lines := range [][]string{
		{"message_type", "join"}, {"message_type", "leave"}, {"message_type", "restart"}, {"message_type", "call"},
		{"message_type", "call", "type", "DELETE"}, {"message_type", "cell", "type", "DELETE"},
		{"message_type", "cell", "cell_type", "200"}, {"message_type", "candidate"},
		{"message_type", "description", "sdp_type", "offer", "sdp", "v=0"},
		{"message_type", "track", "mid", "0", "source", "camera"},
	} {
		real := s.ask(append(lines, "connection_key", key)...)
		none := s.ask(append(lines, "connection_key", "nothing")...)
		if real.Get("stat") != "404" || string(encodeMessage(real)) != string(encodeMessage(none)) {
			t.Errorf("%q: a stranger is told %q, of nothing %q", lines, real.Fields, none.Fields)
		}
	}
	if m := s.ask("message_type", "cell", "type", "GET"); m.Get("count") != "0" {
		t.Errorf("a stranger sees %q", m.Fields)
	}
}

func TestGroupCall(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b", "c")
	a, b, c := w.login("a", "1"), w.login("b", "1"), w.login("c", "1")
	group := a.ask("message_type", "group", "name", "g", "friends", "b,c").Get("group_id")
	key := a.call("videocall", "group_id", group)
	for _, x := range []*client{b, c} {
		x.await("message_type", "videocall", "cell_key", key, "group_id", group)
		x.join(key)
	}
	a.await("message_type", "cell", "cell_type", "200", "friends", "b")
	a.await("message_type", "cell", "cell_type", "200", "friends", "c")
	c.ask("message_type", "member", "type", "DELETE", "group_id", group)
	c.ask("message_type", "leave", "connection_key", key)
	if m := c.ask("message_type", "join", "connection_key", key); m.Get("stat") != "404" {
		t.Errorf("who left the group may join its call: %q", m.Fields)
	}
	b.ask("message_type", "leave", "connection_key", key)
	b.await("message_type", "call_record", "outcome", "answered", "group_id", group)
}

func TestRingsAgainAtLogin(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	a := w.login("a", "1")
	key := a.call("call", "friends", "b")
	b := w.login("b", "late")
	b.expect("user_account", "a", "message_type", "call", "cell_key", key)
}

func TestLeaveAfterTheMediaHasGone(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	a, b := w.login("a", "1"), w.login("b", "1")
	key := a.call("call", "friends", "b")
	a.join(key)
	id := b.join(key)
	w.calls.peer(t, key+"/"+id).events().Gone("failed")
	a.await("message_type", "leave", "user_account", "b")
	if m := b.ask("message_type", "leave", "connection_key", key); m.Get("stat") != "200" {
		t.Errorf("leave: %q", m.Fields)
	}
	a.await("message_type", "cell", "type", "DELETE", "cell_key", key)
}
