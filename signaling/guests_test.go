package signaling

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// link has a moderator make a link into a call.
func (c *client) link(key string, lines ...string) (id, secret string) {
	c.t.Helper()
	m := c.ask(append([]string{"message_type", "guest", "connection_key", key}, lines...)...)
	if m.Get("stat") != "200" || len(m.Get("secret")) != 22 {
		c.t.Fatalf("no link: %q", m.Fields)
	}
	return m.Get("link"), m.Get("secret")
}

// guest comes in by a link, on a connection of its own.
func (w *world) guest(secret, name string) (c *client, session string) {
	w.t.Helper()
	c = w.dial("/message")
	m := c.ask("message_type", "guest", "secret", secret, "guest_name", name)
	if m.Get("stat") != "200" {
		w.t.Fatalf("%s does not come in: %q", name, m.Fields)
	}
	c.account = m.Get("user_account")
	return c, m.Get("session")
}

// TestGuest: link, name, join; the others see who it is and that it is a guest; it leaves and comes back by its session.
func TestGuest(t *testing.T) {
	w, a, b, key := trio(t)
	_, secret := a.link(key)
	g := w.dial("/cell")
	m := g.ask("message_type", "guest", "secret", secret, "guest_name", " Zoë ")
	if !has(m, []string{"stat", "200", "guest_name", "Zoë", "connection_key", key, "call", "videocall", "friends", "a"}) || !strings.HasPrefix(m.Get("user_account"), guestPrefix) {
		t.Fatalf("a guest is answered %q", m.Fields)
	}
	g.account = m.Get("user_account")
	g.join(key)
	g.await("participant", "1", "user_account", "a")
	b.await("message_type", "join", "user_account", g.account, "guest_name", "Zoë")
	b.await("message_type", "cell", "type", "PATCH", "participants", "3", "joined", "a,b", "guests", "1")
	g.stop()
	again := w.dial("/message")
	if m := again.ask("message_type", "guest", "session", m.Get("session")); m.Get("user_account") != g.account || m.Get("guest_name") != "Zoë" {
		t.Fatalf("coming back is answered %q", m.Fields)
	}
	if m := again.ask("message_type", "restart", "connection_key", key); m.Get("participant") != "3" {
		t.Fatalf("restart: %q", m.Fields)
	}
	a.ask("message_type", "leave", "connection_key", key)
	again.await("message_type", "leave", "user_account", "a")
	b.ask("message_type", "leave", "connection_key", key) // guests alone are no call
	again.await("message_type", "cell", "type", "DELETE", "cell_key", key)
	if code := again.closeCode(); code != 1008 {
		t.Errorf("the guest's connection ended with %d", code)
	}
	if m := w.dial("/message").ask("message_type", "guest", "secret", secret, "guest_name", "x"); m.Get("stat") != "404" {
		t.Errorf("the link outlives the call: %q", m.Fields)
	}
	w.srv.cells.mu.Lock()
	defer w.srv.cells.mu.Unlock()
	if n := len(w.srv.cells.doors); n != 0 {
		t.Errorf("%d doors into calls that are over", n)
	}
}

// TestGuestsDoNothingElse drives every verb as a guest: but for the guest's own call all are refused, and of another call
// the guest learns no more than of one that does not exist.
func TestGuestsDoNothingElse(t *testing.T) {
	w, a, b, key := trio(t)
	_, secret := a.link(key)
	g, _ := w.guest(secret, "Zoë")
	g.join(key)
	real := w.furnish(a, b)
	missing := absentLike(real)
	allowed := map[string]bool{"guest POST": true, "join POST": true, "turn GET": true, "restart POST": true, "leave POST": true, "description POST": true,
		"candidate POST": true, "subscribe POST": true, "track POST": true, "track PATCH": true, "track DELETE": true, "logout POST": true}
	cases := strangerCases()
	for kind, verbs := range w.srv.commands {
		for verb, cmd := range verbs {
			name := kind + " " + verb
			if cmd.guests != allowed[name] {
				t.Errorf("%s: for guests %v", name, cmd.guests)
			}
			if kind == "logout" || kind == "turn" {
				continue
			}
			tries, _ := cases[name].([]strangerCase)
			if len(tries) == 0 || !allowed[name] {
				m := g.ask("message_type", kind, "type", verb, "friends", "a", "group_id", real.group, "conversation", real.conversation,
					"file", real.file, "text", "hello", "connection_key", key, "user_password", password)
				if want := map[bool]string{true: "200", false: "403"}[allowed[name]]; m.Get("stat") != want {
					t.Errorf("%s by a guest: %q", name, m.Fields)
				}
				continue
			}
			for _, try := range tries {
				head := []string{"message_type", kind, "type", verb}
				known, unknown := g.ask(append(head, try.lines(real)...)...), g.ask(append(head, try.lines(missing)...)...)
				if s := known.Get("stat"); s != "404" && s != "403" || known.Get("reason") != unknown.Get("reason") {
					t.Errorf("%s by a guest, of another call: %q, of none: %q", name, known.Fields, unknown.Fields)
				}
			}
		}
	}
	if m := g.ask("message_type", "track", "type", "PATCH", "connection_key", key, "participant", "1", "source", "microphone", "muted", "yes"); m.Get("stat") != "403" {
		t.Errorf("a guest mutes somebody: %q", m.Fields)
	}
	if m := g.ask("message_type", "leave", "connection_key", key, "participant", "1"); m.Get("stat") != "403" {
		t.Errorf("a guest removes somebody: %q", m.Fields)
	}
	for _, path := range []string{"/files/" + real.file, "/session"} {
		if stat, body, _ := get(t, w.http.URL+path, secret); stat == 200 {
			t.Errorf("%s is answered %s", path, body)
		}
	}
	g.ask("message_type", "logout")
	if code := g.closeCode(); code != 1008 {
		t.Errorf("after the logout: %d", code)
	}
	a.await("message_type", "leave", "guest_name", "Zoë")
}

// TestNoGuests: an operator may want none; those of before a restart do not come back either.
func TestNoGuests(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	w.srv.cfg.NoGuests = true
	a := w.login("a", "1")
	key := a.call("call", "friends", "b")
	for _, verb := range []string{"POST", "GET"} {
		if m := a.ask("message_type", "guest", "type", verb, "connection_key", key); m.Get("stat") != "403" {
			t.Errorf("%s: %q", verb, m.Fields)
		}
	}
	cs, secret, session := w.srv.cells, newSecret(), newSecret()
	cs.mu.Lock()
	x := cs.byKey[key]
	x.links = []*guestLink{{id: "1", secret: digestOf(secret), by: "a", until: time.Now().Add(time.Hour), uses: 9}}
	g := &guest{account: newGuestAccount(), name: "Zoë", link: "1", session: digestOf(session)}
	x.guests[g.account] = g
	cs.openDoorsLocked(x)
	cs.mu.Unlock()
	for _, lines := range [][]string{{"secret", secret, "guest_name", "x"}, {"session", session}} {
		if m := w.dial("/message").ask(append(lines, "message_type", "guest")...); m.Get("stat") != "404" {
			t.Errorf("a guest comes in: %q", m.Fields)
		}
	}
}

// TestGuestsStay: that their session is in no database ends it at no ping.
func TestGuestsStay(t *testing.T) {
	w := newWorld(t, Times{Ping: 5 * time.Millisecond, Call: 5 * time.Millisecond}, "a", "b")
	a := w.login("a", "1")
	key := a.call("call", "friends", "b")
	a.join(key)
	_, secret := a.link(key)
	g, _ := w.guest(secret, "Zoë")
	for range 30 {
		if m := g.ask("message_type", "guest", "type", "GET"); m.Get("stat") != "403" {
			t.Fatalf("%q", m.Fields)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestGuestNames(t *testing.T) {
	w, a, _, key := trio(t)
	_, secret := a.link(key)
	for name, stat := range map[string]string{"": "400", " ": "400", "a\x01b": "400", "a\nb": "400", "a\u202eb": "400", strings.Repeat("x", maxGuestName+1): "413"} {
		if m := w.dial("/message").ask("message_type", "guest", "secret", secret, "guest_name", name); m.Get("stat") != stat {
			t.Errorf("a guest called %q: %q", name, m.Fields)
		}
	}
	if m := w.dial("/message").ask("message_type", "guest"); m.Get("stat") != "401" {
		t.Errorf("neither logged in nor a guest: %q", m.Fields)
	}
	w.guest(secret, strings.Repeat("x", maxGuestName))
	if m := a.ask("message_type", "guest", "secret", secret, "guest_name", "a"); m.Get("stat") != "409" {
		t.Errorf("who is logged in becomes a guest: %q", m.Fields)
	}
}

// TestLinks: who may make, see and revoke them; how often and how long they lead in; that all that is wrong with one is one answer.
func TestLinks(t *testing.T) {
	w, a, b, key := trio(t)
	for _, lines := range [][]string{{}, {"type", "GET"}, {"type", "DELETE", "link", "1"}} {
		if m := b.ask(append(lines, "message_type", "guest", "connection_key", key)...); m.Get("stat") != "403" {
			t.Errorf("who does not moderate the call, %q: %q", lines, m.Fields)
		}
	}
	for _, lines := range [][]string{{"uses", "0"}, {"uses", "101"}, {"lifetime", "59"}, {"lifetime", "604801"}} {
		if m := a.ask(append(lines, "message_type", "guest", "connection_key", key)...); m.Get("stat") != "400" {
			t.Errorf("%q: %q", lines, m.Fields)
		}
	}
	id, once := a.link(key, "uses", "1", "lifetime", "60")
	w.guest(once, "one")
	other, secret := a.link(key)
	m := a.ask("message_type", "guest", "type", "GET", "connection_key", key)
	if m.Get("count") != "1" {
		t.Fatalf("links: %q", m.Fields)
	}
	if m := a.expect("link", other, "user_account", "a", "uses", "20", "used", "0"); m.Get("secret") != "" || id == other {
		t.Errorf("a list of links tells %q", m.Fields)
	}
	stays, _ := w.guest(secret, "two")
	wrong := func(secret string) string {
		return string(encodeMessage(w.dial("/message").ask("message_type", "guest", "secret", secret, "guest_name", "late")))
	}
	unknown := wrong(newSecret())
	if m := a.ask("message_type", "guest", "type", "DELETE", "connection_key", key, "link", other); m.Get("stat") != "200" {
		t.Fatalf("revoking: %q", m.Fields)
	}
	w.srv.cells.mu.Lock()
	soon := newSecret()
	x := w.srv.cells.byKey[key]
	x.links = append(x.links, &guestLink{id: "9", secret: digestOf(soon), by: "a", until: time.Now().Add(-time.Second), uses: 1})
	w.srv.cells.doors[digestOf(soon)] = x
	w.srv.cells.mu.Unlock()
	for name, secret := range map[string]string{"used up": once, "revoked": secret, "expired": soon, "empty": ""} {
		if got := wrong(secret); got != unknown || !strings.Contains(got, "stat: 404") {
			t.Errorf("%s: %s", name, got)
		}
	}
	stays.join(key) // who is in stays in
	if m := a.ask("message_type", "guest", "type", "DELETE", "connection_key", key, "link", other, "expel", "yes"); m.Get("stat") != "200" {
		t.Errorf("taking the guests of a revoked link out: %q", m.Fields)
	}
	stays.await("message_type", "cell", "type", "DELETE", "cause", "removed")
	if code := stays.closeCode(); code != 1008 {
		t.Errorf("the guest's connection ended with %d", code)
	}
	for range maxLinks {
		a.link(key)
	}
	if m := a.ask("message_type", "guest", "connection_key", key); m.Get("stat") != "413" {
		t.Errorf("one link too many: %q", m.Fields)
	}
}

// TestGuessingLinks is as slow as guessing passwords.
func TestGuessingLinks(t *testing.T) {
	w, a, _, key := trio(t)
	_, secret := a.link(key)
	for range 50 {
		w.dial("/message").ask("message_type", "guest", "secret", newSecret(), "guest_name", "x")
	}
	if m := w.dial("/message").ask("message_type", "guest", "secret", secret, "guest_name", "x"); m.Get("stat") != "429" || m.Get("retry_after") == "" {
		t.Errorf("after many guesses: %q", m.Fields)
	}
}

// TestGuestsOutliveARestart: links and guests are kept, as hashes.
func TestGuestsOutliveARestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "calls.json")
	w := newWorld(t, Times{}, "a", "b", "c")
	w.again(Times{}, file, false)
	a, b := w.login("a", "1"), w.login("b", "1")
	key := a.call("call", "friends", "b")
	a.join(key)
	b.join(key)
	a.ask("message_type", "call", "cell_key", key, "friends", "c")
	_, secret := a.link(key)
	_, session := w.guest(secret, "Zoë")
	awaitKept(t, file, func(k keptCalls) bool { return len(k.Calls) == 1 && len(k.Calls[0].Guests) == 1 })
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if text := string(text); strings.Contains(text, secret) || strings.Contains(text, session) {
		t.Errorf("secrets stand in %s", text)
	}
	w.again(Times{}, file, false)
	w.login("c", "1").await("message_type", "call", "user_account", "a", "cell_key", key)
	a = w.login("a", "1")
	a.join(key)
	g := w.dial("/message")
	if m := g.ask("message_type", "guest", "session", session); m.Get("guest_name") != "Zoë" {
		t.Fatalf("the guest comes back: %q", m.Fields)
	}
	g.account = "Zoë"
	g.join(key)
	a.await("message_type", "join", "guest_name", "Zoë")
	w.guest(secret, "another")
}
