package signaling

import (
	"testing"
)

// TestGroupIsToldWhoIsInItsCall: members outside see who comes and goes, also those who log in later, until it is over.
func TestGroupIsToldWhoIsInItsCall(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b", "c")
	a, b, c := w.login("a", "1"), w.login("b", "1"), w.login("c", "1")
	group := a.ask("message_type", "group", "name", "g", "friends", "b,c").Get("group_id")
	key := a.call("videocall", "group_id", group)
	a.join(key)
	c.await("message_type", "cell", "type", "PATCH", "connection_key", key, "group_id", group, "call", "videocall", "participants", "1", "joined", "a")
	b.join(key)
	c.await("message_type", "cell", "type", "PATCH", "connection_key", key, "participants", "2", "joined", "a,b")
	late := w.login("c", "2")
	late.await("message_type", "videocall", "cell_key", key)
	if m := late.ask("message_type", "cell", "type", "GET"); m.Get("count") != "1" {
		t.Fatalf("who comes later is told of %q", m.Fields)
	}
	late.expect("connection_key", key, "group_id", group, "ringing", "yes", "participants", "2", "joined", "a,b")
	a.ask("message_type", "leave", "connection_key", key)
	c.await("message_type", "cell", "type", "PATCH", "connection_key", key, "participants", "1", "joined", "b")
	c.join(key)
	b.ask("message_type", "leave", "connection_key", key)
	a.await("message_type", "cell", "type", "PATCH", "connection_key", key, "participants", "1", "joined", "c")
	c.ask("message_type", "leave", "connection_key", key)
	a.await("message_type", "cell", "type", "DELETE", "cell_key", key)
}

// TestBetweenTwoNobodyElseIsTold: there is nobody outside such a call.
func TestBetweenTwoNobodyElseIsTold(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	a, b, other := w.login("a", "1"), w.login("b", "1"), w.login("b", "2")
	key := a.call("call", "friends", "b")
	a.join(key)
	b.join(key)
	a.await("message_type", "join", "user_account", "b")
	b.ask("message_type", "leave", "connection_key", key)
	other.await("message_type", "call", "cell_key", key)
	other.expect("message_type", "cell", "cell_type", "409")
	other.expect("message_type", "cell", "type", "DELETE")
}
