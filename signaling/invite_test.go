package signaling

import (
	"strings"
	"testing"
	"time"
)

// trio is a call between a and b, which a opened.
func trio(t *testing.T, accounts ...string) (w *world, a, b *client, key string) {
	t.Helper()
	w = newWorld(t, Times{}, append([]string{"a", "b"}, accounts...)...)
	a, b = w.login("a", "1"), w.login("b", "1")
	key = a.call("videocall", "friends", "b")
	a.join(key)
	b.join(key)
	a.await("message_type", "join", "user_account", "b")
	return w, a, b, key
}

// TestInviteIntoACallBetweenTwo: it becomes one of several, which goes on when one of the first two leaves.
func TestInviteIntoACallBetweenTwo(t *testing.T) {
	w, a, b, key := trio(t, "c")
	c := w.login("c", "1")
	if m := b.ask("message_type", "call", "cell_key", key, "friends", "c"); m.Get("stat") != "200" {
		t.Fatalf("inviting: %q", m.Fields)
	}
	m := c.await("message_type", "videocall", "cell_key", key, "user_account", "b")
	if m.Get("conversation") != "" {
		t.Errorf("who is invited learns of the conversation of others: %q", m.Fields)
	}
	c.join(key)
	b.await("message_type", "cell", "cell_type", "200", "friends", "c")
	a.await("message_type", "join", "user_account", "c")
	a.ask("message_type", "leave", "connection_key", key)
	c.await("message_type", "leave", "user_account", "a")
	if m := c.ask("message_type", "cell", "type", "GET"); m.Get("count") != "1" {
		t.Fatalf("the call ended with its opener: %q", m.Fields)
	}
	c.expect("connection_key", key, "friends", "a,b", "joined", "b,c")
	c.ask("message_type", "leave", "connection_key", key)
	b.ask("message_type", "leave", "connection_key", key)
	a.await("message_type", "call_record", "user_account", "a", "outcome", "answered", "connection_key", key)
	c.await("message_type", "call_record", "user_account", "b", "outcome", "answered", "connection_key", key)
	a.quietBut("cell") // the record of who was invited is not told to who did not
}

// TestWhoMayBeInvited: those who take calls from who invites; by those in the call; the members of the call alone know it.
func TestWhoMayBeInvited(t *testing.T) {
	w, a, b, key := trio(t, "c", "d", "shy")
	c, shy := w.login("c", "1"), w.login("shy", "1")
	shy.ask("message_type", "block", "friends", "b")
	for friends, stat := range map[string]string{"shy": "403", "nobody": "404", "b": "404", "c,nobody": "404"} {
		if m := b.ask("message_type", "call", "cell_key", key, "friends", friends); m.Get("stat") != stat {
			t.Errorf("inviting %s: %q", friends, m.Fields)
		}
	}
	c.quiet()
	shy.quietBut("block")
	if m := c.ask("message_type", "call", "cell_key", key, "friends", "d"); m.Get("stat") != "404" {
		t.Errorf("a stranger invites: %q", m.Fields)
	}
	a.ask("message_type", "call", "cell_key", key, "friends", "c")
	if m := c.ask("message_type", "call", "cell_key", key, "friends", "d"); m.Get("stat") != "403" {
		t.Errorf("who has not joined invites: %q", m.Fields)
	}
	c.ask("message_type", "cell", "cell_type", "404", "cell_key", key)
	a.await("message_type", "cell", "cell_type", "404", "friends", "c")
	b.await("message_type", "cell", "type", "PATCH", "participants", "2") // the call goes on
	many := make([]string, maxInvited+1)
	for i := range many {
		many[i] = "x" + strings.Repeat("x", i%90) + string(rune('a'+i%26))
	}
	cs := w.srv.cells
	cs.mu.Lock()
	err := cs.inviteLocked(cs.byKey[key], "a", many)
	cs.mu.Unlock()
	if err == nil {
		t.Error("more are invited than can be")
	}
}

// TestInviteIntoAGroupsCall: who comes from outside learns neither the group nor who is in it, and is told the end.
func TestInviteIntoAGroupsCall(t *testing.T) {
	w := newWorld(t, Times{Ring: 30 * time.Second}, "a", "b", "c", "d")
	a, b, d := w.login("a", "1"), w.login("b", "1"), w.login("d", "1")
	group := a.ask("message_type", "group", "name", "g", "friends", "b,c").Get("group_id")
	key := a.call("call", "group_id", group)
	a.join(key)
	b.join(key)
	b.ask("message_type", "call", "cell_key", key, "friends", "d")
	if m := d.await("message_type", "call", "cell_key", key); m.Get("group_id")+m.Get("conversation") != "" {
		t.Errorf("who is invited is told %q", m.Fields)
	}
	d.ask("message_type", "cell", "type", "GET")
	if m := d.expect("connection_key", key, "friends", "b", "ringing", "yes"); m.Get("group_id")+m.Get("conversation") != "" {
		t.Errorf("who is invited is told %q", m.Fields)
	}
	d.join(key)
	a.await("message_type", "join", "user_account", "d")
	a.ask("message_type", "cell", "type", "DELETE", "cell_key", key)
	d.await("message_type", "cell", "type", "DELETE", "cell_key", key)
	d.await("message_type", "call_record", "user_account", "b", "outcome", "answered")
	b.await("message_type", "call_record", "user_account", "a", "outcome", "answered", "group_id", group)
}
