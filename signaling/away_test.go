package signaling

import (
	"testing"

	"neochat/store/mariadbtest"
)

// While the database is away people keep their connections and are told 503; when it is back they go on.
func TestTheDatabaseIsAway(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a MariaDB")
	}
	server := mariadbtest.New(t, true)
	w := newWorldOn(t, server.URL("chat"), Times{}, "a", "b")
	a, b := w.login("a", "phone"), w.login("b", "phone")
	first := []string{"message_type", "text", "friends", "b", "text", "first", "client_message_id", "first"}
	second := []string{"message_type", "text", "friends", "b", "text", "second", "client_message_id", "second"}
	told := a.ask(first...)
	b.await("text", "first")
	for range 2 {
		if err := server.Kill(); err != nil {
			t.Fatal(err)
		}
		c := w.dial("/message")
		for what, m := range map[string]string{
			"a text":  a.ask(second...).Get("stat"),
			"history": a.ask("message_type", "history", "type", "GET", "conversation", told.Get("conversation")).Get("stat"),
			"a login": c.ask("message_type", "login", "user_account", "a", "user_password", password).Get("stat"),
		} {
			if m != "503" {
				t.Errorf("%s is answered %s", what, m)
			}
		}
		for _, c := range w.srv.hub.of("a") {
			if !c.stillWelcome() {
				t.Error("a session is taken for ended")
			}
		}
		if err := server.Run(); err != nil {
			t.Fatal(err)
		}
		if again := a.ask(first...); again.Get("message_id") != told.Get("message_id") {
			t.Errorf("sent again: %q, first %q", again.Fields, told.Fields)
		}
		if m := a.ask(second...); m.Get("stat") != "200" || m.Get("seq") != "2" {
			t.Errorf("what was refused, sent again: %q", m.Fields)
		}
	}
	b.await("text", "second")
	b.quiet()
}
