package signaling

import (
	"context"
	"testing"

	"neochat/store"
)

func TestGroupVerbs(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b", "c", "d")
	a, b, c := w.login("a", "1"), w.login("b", "1"), w.login("c", "1")
	if _, err := w.store.PutFile(context.Background(), store.File{Name: "a_1_face.png", Owner: "a", Hash: "h", ContentType: "image/png", Size: 1}); err != nil {
		t.Fatal(err)
	}
	group := a.ask("message_type", "group", "name", "garden", "introduction", "roses", "friends", "b,c", "history", "all").Get("group_id")
	told := func(lines ...string) {
		t.Helper()
		for _, who := range []*client{a, b, c} {
			who.await(append([]string{"message_type", "member_record", "group_id", group}, lines...)...)
		}
	}
	told("event", "created")
	for _, step := range []struct {
		by    *client
		stat  string
		lines []string
		told  []string
	}{
		{a, "200", []string{"message_type", "group", "type", "PATCH", "introduction", "", "avatar", "a_1_face.png"}, []string{"event", "described", "user_account", "a"}},
		{a, "200", []string{"message_type", "group", "type", "PATCH", "name", "garden"}, nil},
		{a, "400", []string{"message_type", "group", "type", "PATCH"}, nil},
		{a, "400", []string{"message_type", "group", "type", "PATCH", "name", ""}, nil},
		{a, "400", []string{"message_type", "group", "type", "PATCH", "history", "some"}, nil},
		{a, "403", []string{"message_type", "group", "type", "PATCH", "avatar", "b_1_absent.png"}, nil},
		{b, "403", []string{"message_type", "group", "type", "PATCH", "name", "mine"}, nil},
		{b, "403", []string{"message_type", "group", "type", "DELETE"}, nil},
		{b, "403", []string{"message_type", "member", "type", "DELETE", "friends", "c"}, nil},
		{b, "403", []string{"message_type", "member", "type", "PATCH", "friends", "c", "permissions", "admin"}, nil},
		{a, "400", []string{"message_type", "member", "type", "PATCH", "friends", "c", "permissions", "king"}, nil},
		{a, "400", []string{"message_type", "member", "type", "PATCH", "permissions", "admin"}, nil},
		{a, "400", []string{"message_type", "member", "type", "PATCH", "friends", "b,c", "permissions", "creator"}, nil},
		{a, "404", []string{"message_type", "member", "type", "PATCH", "friends", "d", "permissions", "admin"}, nil},
		{a, "400", []string{"message_type", "member", "type", "DELETE", "friends", "a,b"}, nil},
		{a, "200", []string{"message_type", "member", "type", "PATCH", "friends", "b", "permissions", "admin"}, []string{"event", "permissions", "friends", "b", "permissions", "admin"}},
		{b, "200", []string{"message_type", "member", "type", "DELETE", "friends", "c"}, []string{"event", "removed", "friends", "c", "user_account", "b"}},
		{c, "404", []string{"message_type", "group", "type", "GET"}, nil},
		{c, "404", []string{"message_type", "text", "text", "hello"}, nil},
	} {
		m := step.by.ask(append(step.lines, "group_id", group)...)
		if m.Get("stat") != step.stat {
			t.Errorf("%q by %s: %q", step.lines, step.by.account, m.Fields)
		}
		if step.told != nil {
			told(step.told...)
		}
	}
	c.quiet()
	m := b.ask("message_type", "group", "type", "GET", "group_id", group)
	if !has(m, []string{"stat", "200", "name", "garden", "introduction", "", "avatar", "a_1_face.png", "history", "all", "members", "2", "permissions", "admin", "founder", "a"}) {
		t.Errorf("b is shown %q", m.Fields)
	}
	a.ask("message_type", "member", "type", "DELETE", "group_id", group, "friends", "a")
	b.await("event", "permissions", "friends", "b", "permissions", "creator")
	b.await("event", "left", "friends", "a")
	if m := b.ask("message_type", "group", "type", "DELETE", "group_id", group); m.Get("stat") != "200" {
		t.Errorf("b dissolves: %q", m.Fields)
	}
	b.await("event", "dissolved", "user_account", "b")
	if m := b.ask("message_type", "text", "group_id", group, "text", "anybody?"); m.Get("stat") != "404" {
		t.Errorf("a text to a dissolved group: %q", m.Fields)
	}
}

func TestMembersHaveNames(t *testing.T) {
	w := newWorld(t, Times{}, "a")
	if err := w.store.CreateUser(context.Background(), store.User{Account: "b", Name: "Bea"}, password); err != nil {
		t.Fatal(err)
	}
	a := w.login("a", "1")
	group := a.ask("message_type", "group", "name", "garden", "friends", "b").Get("group_id")
	if m := a.ask("message_type", "member", "type", "GET", "group_id", group); m.Get("count") != "2" {
		t.Fatalf("%q", m.Fields)
	}
	a.await("user_account", "a", "permissions", "creator")
	a.await("user_account", "b", "user_name", "Bea", "permissions", "member")
}

// A call of a group is for its members: removed, one is out of it, and invited, one may join.
func TestGroupCallFollowsMembers(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b", "c", "d")
	a, b, c, d := w.login("a", "1"), w.login("b", "1"), w.login("c", "1"), w.login("d", "1")
	group := a.ask("message_type", "group", "name", "garden", "friends", "b,c").Get("group_id")
	key := a.call("videocall", "group_id", group)
	a.join(key)
	b.await("message_type", "videocall", "cell_key", key)
	b.join(key)
	c.await("message_type", "videocall", "cell_key", key)
	remove := func(who string) {
		t.Helper()
		if m := a.ask("message_type", "member", "type", "DELETE", "group_id", group, "friends", who); m.Get("stat") != "200" {
			t.Fatalf("removing %s: %q", who, m.Fields)
		}
	}
	remove("c")
	c.await("message_type", "videocall", "type", "DELETE", "cell_key", key, "cause", "closed")
	remove("b")
	b.await("message_type", "cell", "type", "DELETE", "cell_key", key)
	a.await("message_type", "leave", "connection_key", key, "user_account", "b")
	for _, who := range []*client{b, c, d} {
		if m := who.ask("message_type", "join", "connection_key", key); m.Get("stat") != "404" {
			t.Errorf("%s joins: %q", who.account, m.Fields)
		}
	}
	if m := a.ask("message_type", "member", "group_id", group, "friends", "d"); m.Get("stat") != "200" {
		t.Fatalf("%q", m.Fields)
	}
	d.await("message_type", "member_record", "event", "invited")
	d.join(key)
	a.await("message_type", "join", "connection_key", key, "user_account", "d")

	// The opener leaves the group: the call is the others', and its outcome is still told.
	a.ask("message_type", "member", "type", "DELETE", "group_id", group)
	a.await("message_type", "cell", "type", "DELETE", "cell_key", key)
	d.await("message_type", "leave", "connection_key", key, "user_account", "a")
	if m := d.ask("message_type", "leave", "connection_key", key); m.Get("stat") != "200" {
		t.Errorf("%q", m.Fields)
	}
	d.await("message_type", "call_record", "connection_key", key)
}

func TestDissolvingEndsTheCall(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	a, b := w.login("a", "1"), w.login("b", "1")
	group := a.ask("message_type", "group", "name", "garden", "friends", "b").Get("group_id")
	key := a.call("call", "group_id", group)
	a.join(key)
	b.await("message_type", "call", "cell_key", key)
	b.join(key)
	a.ask("message_type", "group", "type", "DELETE", "group_id", group)
	for _, who := range []*client{a, b} {
		who.await("message_type", "cell", "type", "DELETE", "cell_key", key)
	}
	if m := b.ask("message_type", "restart", "connection_key", key); m.Get("stat") != "404" {
		t.Errorf("%q", m.Fields)
	}
}

// A device that was away learns by sync that its account is no longer in a group, and nothing of what came after.
func TestSyncTellsOfALostGroup(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	a := w.login("a", "1")
	group := a.ask("message_type", "group", "name", "garden", "friends", "b").Get("group_id")
	a.ask("message_type", "member", "type", "DELETE", "group_id", group, "friends", "b")
	a.ask("message_type", "text", "group_id", group, "text", "among us")
	b := w.login("b", "1")
	m := b.ask("message_type", "sync", "type", "GET", "after_change", "0")
	if m.Get("count") != "3" {
		t.Fatalf("%q", m.Fields)
	}
	b.expect("message_type", "member_record", "event", "created")
	b.expect("message_type", "member_record", "event", "removed", "friends", "b")
	b.expect("message_type", "member", "type", "DELETE", "group_id", group)
}
