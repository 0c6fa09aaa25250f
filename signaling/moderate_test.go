package signaling

import "testing"

// groupCall is a call that b, a plain member, opened in a group of a's, in which d is an admin; all are in it.
func groupCall(t *testing.T) (key string, a, b, c, d *client, ids map[string]string, w *world) {
	t.Helper()
	w = newWorld(t, Times{}, "a", "b", "c", "d")
	a, b, c, d = w.login("a", "1"), w.login("b", "1"), w.login("c", "1"), w.login("d", "1")
	group := a.ask("message_type", "group", "name", "g", "friends", "b,c,d").Get("group_id")
	a.ask("message_type", "member", "type", "PATCH", "group_id", group, "friends", "d", "permissions", "admin")
	key = b.call("call", "group_id", group)
	ids = map[string]string{}
	for _, x := range []*client{a, b, c, d} {
		m := x.ask("message_type", "join", "connection_key", key)
		if want := map[bool]string{true: "", false: "yes"}[x == c]; m.Get("stat") != "200" || m.Get("moderator") != want {
			t.Fatalf("%s joins: %q", x.account, m.Fields)
		}
		ids[x.account] = m.Get("participant")
	}
	return key, a, b, c, d, ids, w
}

// TestMutingOthers: moderators may; whose track it is is told, also after a loss, and may unmute it.
func TestMutingOthers(t *testing.T) {
	key, a, b, c, _, ids, w := groupCall(t)
	mute := func(by *client, whom, muted string) string {
		return by.ask("message_type", "track", "type", "PATCH", "connection_key", key, "participant", ids[whom], "source", "microphone", "muted", muted).Get("stat")
	}
	if got := mute(c, "b", "yes"); got != "403" {
		t.Errorf("who is no moderator mutes: %s", got)
	}
	if got := mute(a, "c", "no"); got != "400" {
		t.Errorf("somebody else's is unmuted: %s", got)
	}
	if m := a.ask("message_type", "track", "type", "PATCH", "connection_key", key, "participant", "99", "source", "microphone", "muted", "yes"); m.Get("stat") != "404" {
		t.Errorf("nobody is muted: %q", m.Fields)
	}
	peer := w.calls.peer(t, key+"/"+ids["c"])
	for _, by := range []*client{a, b} {
		if got := mute(by, "c", "yes"); got != "200" {
			t.Fatalf("%s mutes: %s", by.account, got)
		}
		c.await("message_type", "track", "type", "PATCH", "user_account", by.account, "connection_key", key, "participant", ids["c"], "source", "microphone", "muted", "yes")
		if !peer.muted("microphone") {
			t.Error("the media were not told")
		}
	}
	c.stop()
	c = w.login("c", "1")
	if m := c.ask("message_type", "restart", "connection_key", key); m.Get("silenced") != "microphone" {
		t.Errorf("after a loss: %q", m.Fields)
	}
	if got := mute(c, "c", "no"); got != "200" || peer.muted("microphone") {
		t.Errorf("unmuting oneself: %s", got)
	}
	if got := mute(a, "c", "yes"); got != "200" {
		t.Errorf("muting again: %s", got)
	}
	if got := mute(w.login("c", "2"), "c", "no"); got != "200" || peer.muted("microphone") {
		t.Errorf("unmuting with another device: %s", got)
	}
	c.stop()
	c = w.login("c", "1")
	if m := c.ask("message_type", "restart", "connection_key", key); m.Get("silenced") != "" {
		t.Errorf("after unmuting: %q", m.Fields)
	}
}

// TestRemoving: moderators remove others, the creator moderators too; who was removed comes back when a moderator invites, and not otherwise.
func TestRemoving(t *testing.T) {
	key, a, b, c, d, ids, w := groupCall(t)
	remove := func(by *client, whom string) string {
		return by.ask("message_type", "leave", "connection_key", key, "participant", ids[whom]).Get("stat")
	}
	for _, x := range []struct {
		by   *client
		whom string
		stat string
	}{{c, "b", "403"}, {b, "d", "403"}, {d, "b", "403"}, {d, "a", "403"}, {b, "a", "403"}} {
		if got := remove(x.by, x.whom); got != x.stat {
			t.Errorf("%s removes %s: %s", x.by.account, x.whom, got)
		}
	}
	other := w.login("c", "2")
	other.join(key)
	if got := remove(d, "c"); got != "200" {
		t.Fatalf("an admin removes a member: %s", got)
	}
	for _, x := range []*client{c, other} {
		x.await("message_type", "cell", "type", "DELETE", "cell_key", key, "cause", "removed")
	}
	a.await("message_type", "leave", "user_account", "c")
	for _, kind := range []string{"join", "restart", "leave"} {
		if m := c.ask("message_type", kind, "connection_key", key); m.Get("stat") != "403" {
			t.Errorf("%s of who was removed: %q", kind, m.Fields)
		}
	}
	if m := c.ask("message_type", "cell", "type", "GET"); m.Get("count") != "0" {
		t.Errorf("who was removed sees %q", m.Fields)
	}
	if got := remove(a, "b"); got != "200" { // the opener
		t.Errorf("the creator removes the opener: %s", got)
	}
	b.await("message_type", "cell", "type", "DELETE", "cause", "removed")
	if m := b.ask("message_type", "call", "cell_key", key, "friends", "c"); m.Get("stat") != "403" {
		t.Errorf("who was removed invites: %q", m.Fields)
	}
	for _, x := range []*client{b, c} {
		if m := d.ask("message_type", "call", "cell_key", key, "friends", x.account); m.Get("stat") != "200" {
			t.Fatalf("inviting again: %q", m.Fields)
		}
		x.await("message_type", "call", "user_account", "d", "cell_key", key)
		x.join(key)
	}
	a.await("message_type", "join", "user_account", "c")
}

// TestOnlyModeratorsInviteTheRemoved: in a call among friends.
func TestOnlyModeratorsInviteTheRemoved(t *testing.T) {
	w, a, b, key := trio(t, "c")
	c := w.login("c", "1")
	b.ask("message_type", "call", "cell_key", key, "friends", "c")
	id := c.join(key)
	a.ask("message_type", "leave", "connection_key", key, "participant", id)
	c.await("message_type", "cell", "type", "DELETE", "cause", "removed")
	if m := b.ask("message_type", "call", "cell_key", key, "friends", "c"); m.Get("stat") != "403" {
		t.Errorf("who does not moderate invites the one removed: %q", m.Fields)
	}
	if m := a.ask("message_type", "call", "cell_key", key, "friends", "c"); m.Get("stat") != "200" {
		t.Errorf("who moderates does: %q", m.Fields)
	}
	c.await("message_type", "videocall", "cell_key", key, "user_account", "a")
	c.join(key)
}

// TestRemovingAGuest ends the link too: nothing else is known of a guest.
func TestRemovingAGuest(t *testing.T) {
	w, a, b, key := trio(t)
	_, secret := a.link(key)
	g, session := w.guest(secret, "Zoë")
	stays, _ := w.guest(secret, "Yan")
	id := g.join(key)
	stays.join(key)
	if m := b.ask("message_type", "leave", "connection_key", key, "participant", id); m.Get("stat") != "403" {
		t.Errorf("who does not moderate removes a guest: %q", m.Fields)
	}
	if m := a.ask("message_type", "leave", "connection_key", key, "participant", id); m.Get("stat") != "200" {
		t.Errorf("removing a guest: %q", m.Fields)
	}
	g.await("message_type", "cell", "type", "DELETE", "cause", "removed")
	b.await("message_type", "leave", "guest_name", "Zoë")
	for _, lines := range [][]string{{"secret", secret, "guest_name", "Zoë"}, {"session", session}} {
		if m := w.dial("/message").ask(append(lines, "message_type", "guest")...); m.Get("stat") != "404" {
			t.Errorf("the guest comes back: %q", m.Fields)
		}
	}
	if m := stays.ask("message_type", "candidate", "connection_key", key, "candidate", ""); m.Get("stat") != "200" {
		t.Errorf("the other guest: %q", m.Fields)
	}
}
