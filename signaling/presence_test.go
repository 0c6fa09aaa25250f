package signaling

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"neochat/wire"
)

// sees asks for one account's presence.
func (c *client) sees(account string) *wire.Message {
	c.t.Helper()
	c.answered("200", "message_type", "presence", "type", "GET", "friends", account)
	return c.expect("user_account", account)
}

// goes ends a connection and returns when the server knows.
func (w *world) goes(c *client) {
	w.t.Helper()
	before := len(w.srv.hub.of(c.account))
	c.ws.CloseNow()
	for deadline := time.Now().Add(patience); len(w.srv.hub.of(c.account)) >= before; {
		if time.Now().After(deadline) {
			w.t.Fatal("the connection stays")
		}
		time.Sleep(time.Millisecond)
	}
}

func TestPresence(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	a := w.login("a", "1")
	if m := a.sees("b"); m.Get("state") != "offline" || m.Get("last_seen") != "" {
		t.Errorf("never here: %q", m.Fields)
	}
	a.answered("200", "message_type", "presence", "type", "GET", "friends", "b,nobody", "watch", "yes")
	a.expect("user_account", "b", "state", "offline")
	a.expect("user_account", "nobody", "state", "offline")
	b := w.login("b", "1")
	a.expect("user_account", "b", "message_type", "presence", "state", "online", "last_seen", "")
	b2 := w.login("b", "2")
	b.answered("200", "message_type", "presence", "state", "away")
	b2.answered("200", "message_type", "presence", "state", "away")
	a.expect("user_account", "b", "message_type", "presence", "state", "away")
	b.answered("200", "message_type", "presence", "state", "online")
	a.expect("user_account", "b", "message_type", "presence", "state", "online")
	w.goes(b)
	a.expect("user_account", "b", "message_type", "presence", "state", "away")
	w.goes(b2)
	seen := a.expect("user_account", "b", "message_type", "presence", "state", "offline").Get("last_seen")
	if n, err := strconv.ParseInt(seen, 10, 64); err != nil || n == 0 {
		t.Errorf("last seen %q", seen)
	}
	if m := a.sees("b"); m.Get("last_seen") != seen {
		t.Errorf("last seen %q, pushed %q", m.Get("last_seen"), seen)
	}
	a.answered("200", "message_type", "presence", "type", "GET", "watch", "no")
	w.login("b", "1")
	a.quiet()
	if m := a.sees("a"); m.Get("state") != "online" {
		t.Errorf("oneself: %q", m.Fields)
	}
}

// Who does not show it is offline, like somebody who does not exist, and goes on being so: no push tells otherwise.
func TestPresenceIsForWhomOneLikes(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b", "c")
	a, b, c := w.login("a", "1"), w.login("b", "1"), w.login("c", "1")
	for _, x := range []*client{b, c} {
		x.answered("200", "message_type", "presence", "type", "GET", "friends", "a", "watch", "yes")
		x.expect("user_account", "a", "state", "online")
	}
	set := func(lines ...string) { a.answered("200", lines...) }
	told := func(x *client, state string) {
		t.Helper()
		x.await("user_account", "a", "message_type", "presence", "state", state, "last_seen", "")
	}
	set("message_type", "friend", "friends", "b")
	b.expect("message_type", "friend", "state", "asked")
	b.answered("200", "message_type", "friend", "type", "PATCH", "friends", "a", "state", "accepted")
	a.expect("message_type", "friend", "state", "accepted")
	set("message_type", "profile", "type", "PATCH", "presence_to", "friends")
	told(c, "offline")
	set("message_type", "presence", "state", "away")
	told(b, "away")
	c.quiet()
	if m := c.sees("a"); m.Get("state") != "offline" || m.Get("last_seen") != "" {
		t.Errorf("a stranger sees %q", m.Fields)
	}
	set("message_type", "profile", "type", "PATCH", "presence_to", "nobody")
	told(b, "offline")
	if m := a.sees("a"); m.Get("state") != "away" {
		t.Errorf("oneself: %q", m.Fields)
	}
	set("message_type", "profile", "type", "PATCH", "presence_to", "everyone")
	told(b, "away")
	told(c, "away")
	set("message_type", "block", "friends", "c")
	told(c, "offline")
	w.goes(a)
	b.await("user_account", "a", "message_type", "presence", "state", "offline")
	a = w.login("a", "1")
	told(b, "online")
	c.quiet()
}

// What was noted last is there after a restart, and of a server that stops too.
func TestLastSeenIsKept(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	a, b := w.login("a", "1"), w.login("b", "1")
	a.answered("200", "message_type", "presence", "type", "GET", "friends", "b", "watch", "yes")
	a.expect("user_account", "b")
	w.goes(b)
	seen := a.await("user_account", "b", "message_type", "presence", "state", "offline").Get("last_seen")
	w.srv.Shutdown(t.Context())
	if err := w.store.Ping(t.Context()); err != nil { // what was handed over before is stored
		t.Fatal(err)
	}
	for _, account := range []string{"a", "b"} {
		visible, at, err := w.store.Presence(t.Context(), "c", account)
		if err != nil || !visible || at == 0 || account == "b" && strconv.FormatInt(at, 10) != seen {
			t.Errorf("%s: %v, %d, %v; pushed %s", account, visible, at, err, seen)
		}
	}
}

func TestPresenceMistakes(t *testing.T) {
	w := newWorld(t, Times{}, "a")
	a := w.login("a", "1")
	many := "x0"
	for i := range maxWatched {
		many += ",x" + strconv.Itoa(i+1)
	}
	get := []string{"message_type", "presence", "type", "GET"}
	a.answered("400", get...)
	a.answered("400", append(get, "friends", many)...)
	a.answered("400", append(get, "friends", "a", "watch", "maybe")...)
	a.answered("400", "message_type", "presence")
	a.answered("400", "message_type", "presence", "state", "offline")
}

func TestTyping(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b", "c")
	a, a2, b, c := w.login("a", "1"), w.login("a", "2"), w.login("b", "1"), w.login("c", "1")
	a.answered("200", "message_type", "typing", "friends", "b")
	b.expect("user_account", "a", "message_type", "typing", "conversation", "", "state", "")
	conversation := a.answered("200", "message_type", "text", "friends", "b", "text", "x").Get("conversation")
	a2.expect("message_type", "text")
	b.expect("message_type", "text")
	b.answered("200", "message_type", "typing", "conversation", conversation, "state", "stopped")
	for _, x := range []*client{a, a2} {
		x.expect("user_account", "b", "message_type", "typing", "conversation", conversation, "state", "stopped")
	}
	group := a.answered("200", "message_type", "group", "name", "g", "friends", "b").Get("group_id")
	b.expect("message_type", "member_record")
	a.answered("200", "message_type", "typing", "group_id", group)
	b.expect("user_account", "a", "message_type", "typing", "group_id", group)
	c.answered("404", "message_type", "typing", "group_id", group)
	c.answered("404", "message_type", "typing", "conversation", conversation)
	c.answered("404", "message_type", "typing", "friends", "nobody")
	c.answered("400", "message_type", "typing")
	c.answered("400", "message_type", "typing", "friends", "a,b")
	c.answered("400", "message_type", "typing", "friends", "a", "state", "thinking")
	b.answered("200", "message_type", "block", "friends", "c")
	c.answered("403", "message_type", "typing", "friends", "b")
	c.quiet()
	b.quiet()
}

func TestTypingInLargeGroupsIsNotTold(t *testing.T) {
	var accounts []string
	for i := range maxTypingMembers + 1 {
		accounts = append(accounts, "u"+strconv.Itoa(i))
	}
	w := newWorld(t, Times{}, accounts...)
	a, b := w.login("u0", "1"), w.login("u1", "1")
	group := a.answered("200", "message_type", "group", "name", "g", "friends", strings.Join(accounts[1:], ",")).Get("group_id")
	b.expect("message_type", "member_record")
	a.answered("200", "message_type", "typing", "group_id", group)
	b.quiet()
}

// Presence and typing are left out first: what is durable still finds room.
func TestFleetingIsLeftOutFirst(t *testing.T) {
	var o outbox
	o.init()
	big := item{data: make([]byte, maxFleeting), push: true}
	small := item{data: []byte("x"), push: true}
	fleeting := item{data: []byte("x"), push: true, fleeting: true}
	for i, it := range []item{big, fleeting, small, fleeting} {
		if _, full := o.put(it); full {
			t.Fatalf("item %d is too much", i)
		}
	}
	queue, _ := o.take()
	if len(queue) != 3 || queue[1].fleeting == false || queue[2].fleeting {
		t.Errorf("%d items wait", len(queue))
	}
}
