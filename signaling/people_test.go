package signaling

import (
	"strconv"
	"strings"
	"testing"

	"neochat/store"
	"neochat/wire"
)

// answered asks and checks the stat.
func (c *client) answered(stat string, lines ...string) *wire.Message {
	c.t.Helper()
	m := c.ask(lines...)
	if m.Get("stat") != stat {
		c.t.Errorf("%s: %q is answered %q, want %s", c.account, lines, m.Fields, stat)
	}
	if stat != "200" && m.Get("reason") == "" {
		c.t.Errorf("%s: %q is refused without a reason", c.account, lines)
	}
	return m
}

func TestProfile(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	a, other, b := w.login("a", "1"), w.login("a", "2"), w.login("b", "1")
	own := a.answered("200", "message_type", "profile", "type", "GET")
	if !has(own, []string{"user_account", "a", "messages_from", "everyone", "presence_to", "everyone"}) {
		t.Errorf("own: %q", own.Fields)
	}
	if _, err := w.store.PutFile(t.Context(), store.File{Name: "a_1_me.png", Owner: "a", Hash: "h", ContentType: "image/png", Size: 1}); err != nil {
		t.Fatal(err)
	}
	change := a.answered("200", "message_type", "profile", "type", "PATCH", "user_name", "Ann", "sex", "f", "address", "here\nand there",
		"avatar", "a_1_me.png", "messages_from", "friends", "presence_to", "nobody").Get("change")
	other.expect("user_account", "a", "message_type", "profile", "type", "PATCH", "user_name", "Ann", "sex", "f", "address", "here\nand there",
		"avatar", "a_1_me.png", "messages_from", "friends", "presence_to", "nobody", "change", change)
	a.quiet()
	b.quiet()
	own = other.answered("200", "message_type", "profile", "type", "GET")
	if !has(own, []string{"user_name", "Ann", "address", "here\nand there", "avatar", "a_1_me.png", "messages_from", "friends"}) {
		t.Errorf("own: %q", own.Fields)
	}
	seen := b.answered("200", "message_type", "profile", "type", "GET", "friends", "a")
	if !has(seen, []string{"user_account", "a", "user_name", "Ann", "avatar", "a_1_me.png", "address", "", "messages_from", "", "presence_to", ""}) {
		t.Errorf("seen by another: %q", seen.Fields)
	}
	b.answered("404", "message_type", "profile", "type", "GET", "friends", "nobody")
	if m := b.answered("200", "message_type", "profile", "type", "GET", "friends", "nobody,b,a"); m.Get("count") != "2" {
		t.Errorf("several: %q", m.Fields)
	}
	b.expect("user_account", "b")
	b.expect("user_account", "a", "user_name", "Ann")
	a.answered("200", "message_type", "profile", "type", "PATCH", "sex", "", "avatar", "")
	if m := other.await("message_type", "profile", "type", "PATCH", "sex", "", "avatar", ""); m.Get("user_name") != "" {
		t.Errorf("what was not changed is told: %q", m.Fields)
	}
}

func TestProfileMistakes(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	if _, err := w.store.PutFile(t.Context(), store.File{Name: "b_1_x.png", Owner: "b", Hash: "h", ContentType: "image/png", Size: 1}); err != nil {
		t.Fatal(err)
	}
	a, other := w.login("a", "1"), w.login("a", "2")
	for _, c := range []struct{ stat, name, value string }{
		{"400", "text", "no column"},
		{"400", "messages_from", "nobody"},
		{"400", "messages_from", ""},
		{"400", "presence_to", "enemies"},
		{"413", "user_name", strings.Repeat("x", 201)},
		{"403", "avatar", "b_1_x.png"},
		{"403", "avatar", "b_1_absent.png"},
		{"403", "avatar", "../etc/passwd"},
	} {
		a.answered(c.stat, "message_type", "profile", "type", "PATCH", c.name, c.value)
	}
	many := "x0"
	for i := range maxCards {
		many += ",x" + strconv.Itoa(i+1)
	}
	a.answered("400", "message_type", "profile", "type", "GET", "friends", many)
	other.quiet()
}

func TestFriendsAreTold(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	a, a2, b, b2 := w.login("a", "1"), w.login("a", "2"), w.login("b", "1"), w.login("b", "2")
	told := func(by, friend, state, text string) {
		t.Helper()
		for _, c := range []*client{a2, b2} {
			c.expect("user_account", by, "message_type", "friend", "friends", friend, "state", state, "text", text)
		}
	}
	list := func(c *client, want ...string) {
		t.Helper()
		if m := c.answered("200", "message_type", "friend", "type", "GET"); m.Get("count") != strconv.Itoa(len(want)/2) {
			t.Errorf("%s's list: %q", c.account, m.Fields)
		}
		for i := 0; i < len(want); i += 2 {
			c.expect("friends", want[i], "state", want[i+1])
		}
	}
	a.answered("200", "message_type", "friend", "friends", "b", "text", "it is me")
	told("a", "b", "asked", "it is me")
	b.expect("message_type", "friend", "state", "asked", "text", "it is me")
	list(a, "b", "asked")
	list(b, "a", "asking")
	a.answered("200", "message_type", "friend", "friends", "b")
	b.quiet() // asking twice tells nobody anything
	b.answered("200", "message_type", "friend", "type", "PATCH", "friends", "a", "state", "accepted")
	told("b", "a", "accepted", "")
	a.expect("message_type", "friend", "user_account", "b", "state", "accepted")
	list(a, "b", "accepted")
	list(b, "a", "accepted")
	a.answered("200", "message_type", "block", "friends", "b")
	a2.expect("user_account", "a", "message_type", "block", "type", "", "friends", "b")
	told("a", "b", "ended", "")
	b.expect("message_type", "friend", "state", "ended")
	a.answered("200", "message_type", "block", "type", "GET")
	a.expect("friends", "b")
	list(a)
	list(b)
	a.answered("200", "message_type", "block", "type", "DELETE", "friends", "b")
	a2.expect("user_account", "a", "message_type", "block", "type", "DELETE", "friends", "b")
	a.answered("404", "message_type", "block", "type", "DELETE", "friends", "b")
	for _, c := range []*client{a, a2, b, b2} {
		c.quiet()
	}
}

func TestFriendMistakes(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	a, b := w.login("a", "1"), w.login("b", "1")
	long := strings.Repeat("x", 201)
	for _, kind := range []string{"friend", "block"} {
		a.answered("400", "message_type", kind)
		a.answered("400", "message_type", kind, "friends", "a")
		a.answered("400", "message_type", kind, "friends", "b,c")
		a.answered("400", "message_type", kind, "friends", "no account")
		a.answered("404", "message_type", kind, "friends", "nobody")
		a.answered("404", "message_type", kind, "type", "DELETE", "friends", "b")
	}
	a.answered("413", "message_type", "friend", "friends", "b", "text", long)
	a.answered("400", "message_type", "friend", "type", "PATCH", "friends", "b")
	a.answered("404", "message_type", "friend", "type", "PATCH", "friends", "b", "state", "accepted")
	b.quiet()
	a.answered("200", "message_type", "block", "friends", "b")
	a.answered("409", "message_type", "friend", "friends", "b")
	b.answered("403", "message_type", "friend", "friends", "a")
	a.quiet()
}

// Blocked and friends-only are refused with the same words, by every way to somebody.
func TestRefusalsAreAlike(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b", "c")
	a, b, c := w.login("a", "1"), w.login("b", "1"), w.login("c", "1")
	text := a.answered("200", "message_type", "text", "friends", "b", "text", "before")
	b.expect("message_type", "text")
	key := a.call("call", "friends", "b")
	b.await("message_type", "call", "cell_key", key)
	b.answered("200", "message_type", "block", "friends", "a")
	c.answered("200", "message_type", "profile", "type", "PATCH", "messages_from", "friends")
	words := a.answered("403", "message_type", "text", "friends", "c", "text", "x").Get("reason")
	for _, lines := range [][]string{
		{"message_type", "text", "friends", "b", "text", "x"},
		{"message_type", "text", "friends", "b,a", "text", "x"},
		{"message_type", "text", "conversation", text.Get("conversation"), "text", "x"},
		{"message_type", "cell", "friends", "b"},
		{"message_type", "cell", "friends", "c"},
		{"message_type", "cell", "conversation", text.Get("conversation")},
		{"message_type", "call", "cell_key", key},
		{"message_type", "friend", "friends", "b"},
	} {
		if m := a.answered("403", lines...); m.Get("reason") != words {
			t.Errorf("%q: %q, not %q", lines, m.Get("reason"), words)
		}
	}
	a.answered("200", "message_type", "text", "friends", "a", "text", "a note")
	b.answered("403", "message_type", "cell", "friends", "a") // whom one has blocked one does not call
	a.answered("200", "message_type", "friend", "friends", "c")
	c.await("message_type", "friend", "state", "asked")
	c.answered("200", "message_type", "friend", "type", "PATCH", "friends", "a", "state", "accepted")
	a.answered("200", "message_type", "text", "friends", "c", "text", "friends at last")
	c.await("message_type", "text")
	group := c.answered("200", "message_type", "group", "name", "g", "friends", "a,b").Get("group_id")
	a.answered("200", "message_type", "text", "group_id", group, "text", "groups are not touched")
	b.await("message_type", "text", "group_id", group)
}
