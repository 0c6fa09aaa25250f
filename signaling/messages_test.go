package signaling

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"neochat/store"
	"neochat/wire"
)

// pair logs a and b in and lets a say something to b.
func pair(t *testing.T) (w *world, a, b *client, id string) {
	t.Helper()
	w = newWorld(t, Times{}, "a", "b", "c")
	a, b = w.login("a", "1"), w.login("b", "1")
	id = a.ask("message_type", "text", "friends", "b", "text", "hello").Get("message_id")
	b.await("message_type", "text", "message_id", id)
	return w, a, b, id
}

func TestBadAmendmentsAreExplained(t *testing.T) {
	_, a, b, id := pair(t)
	for _, c := range []struct {
		stat, says string
		lines      []string
	}{
		{"400", "message_id must be", []string{"message_type", "edit", "text", "x"}},
		{"400", "message_id must be", []string{"message_type", "edit", "text", "x", "message_id", "1"}},
		{"400", "message_id must be", []string{"message_type", "edit", "text", "x", "message_id", "1-0"}},
		{"400", "message_id must be", []string{"message_type", "react", "reaction", "x", "message_id", "+1-1"}},
		{"400", "text is missing", []string{"message_type", "edit", "message_id", id}},
		{"413", "16384 bytes", []string{"message_type", "edit", "message_id", id, "text", strings.Repeat("x", 16<<10+1)}},
		{"403", "may not read", []string{"message_type", "edit", "message_id", id, "text", "<file>x_1_y</file>"}},
		{"400", "me or all", []string{"message_type", "delete", "message_id", id, "for", "everybody"}},
		{"400", "reaction has", []string{"message_type", "react", "message_id", id}},
		{"400", "reaction has", []string{"message_type", "react", "message_id", id, "reaction", "a b"}},
		{"400", "reaction has", []string{"message_type", "react", "message_id", id, "reaction", "a,b"}},
		{"400", "reaction has", []string{"message_type", "react", "message_id", id, "reaction", strings.Repeat("x", 33)}},
		{"400", "one conversation", []string{"message_type", "text", "friends", "b,c", "text", "x", "reply_to", id}},
		{"404", "no such thing", []string{"message_type", "text", "friends", "c", "text", "x", "reply_to", id}},
		{"400", "mentions names", []string{"message_type", "text", "friends", "b", "text", "x", "mentions", "b,?"}},
		{"400", "file is missing", []string{"message_type", "voice", "friends", "b", "duration_ms", "5"}},
		{"403", "no file that you may read", []string{"message_type", "voice", "friends", "b", "duration_ms", "5", "file", "../x"}},
		{"400", "duration_ms", []string{"message_type", "voice", "friends", "b", "duration_ms", "0", "file", "a_1_v"}},
		{"400", "duration_ms", []string{"message_type", "voice", "friends", "b", "duration_ms", "3600001", "file", "a_1_v"}},
		{"400", "waveform", []string{"message_type", "voice", "friends", "b", "duration_ms", "5", "file", "a_1_v", "waveform", "0g"}},
		{"400", "read_seq or delivered_seq", []string{"message_type", "receipt", "conversation", "1"}},
		{"400", "limit must", []string{"message_type", "sync", "type", "GET", "limit", "0"}},
		{"400", "after_change must", []string{"message_type", "sync", "type", "GET", "after_change", "-1"}},
		{"400", "change is missing", []string{"message_type", "sync"}},
	} {
		if m := a.ask(c.lines...); m.Get("stat") != c.stat || !strings.Contains(m.Get("reason"), c.says) {
			t.Errorf("%q: %q", c.lines, m.Fields)
		}
	}
	b.quiet()
}

func TestEditDeleteAndReactAreTold(t *testing.T) {
	w, a, b, id := pair(t)
	a2 := w.login("a", "2")
	told := func(stat *wire.Message, lines ...string) {
		t.Helper()
		if stat.Get("stat") != "200" || stat.Get("message_id") != id || stat.Get("seq") != "1" {
			t.Fatalf("answered %q", stat.Fields)
		}
		lines = append(lines, "message_id", id, "conversation", stat.Get("conversation"), "seq", "1", "change", stat.Get("change"))
		a2.expect(lines...)
		b.expect(lines...)
	}
	edited := a.ask("message_type", "edit", "message_id", id, "text", "hello b", "mentions", "b")
	told(edited, "message_type", "edit", "user_account", "a", "text", "hello b", "mentions", "b")
	told(a.ask("message_type", "react", "message_id", id, "reaction", "👍"), "message_type", "react", "user_account", "a", "reaction", "👍", "reactions", "👍 1")
	m := b.ask("message_type", "history", "type", "GET", "conversation", "1")
	b.expect("message_type", "text", "text", "hello b", "reactions", "👍 1", "my_reactions", "", "mentions", "b", "change", edited.Get("change"))
	if m.Get("count") != "1" {
		t.Errorf("history %q", m.Fields)
	}
	told(a.ask("message_type", "react", "type", "DELETE", "message_id", id, "reaction", "👍"), "message_type", "react", "type", "DELETE", "reactions", "")
	told(a.ask("message_type", "delete", "message_id", id, "for", "all"), "message_type", "delete", "user_account", "a", "for", "all")
	for _, again := range [][]string{
		{"message_type", "delete", "message_id", id, "for", "all"},
		{"message_type", "react", "type", "DELETE", "message_id", id, "reaction", "👍"},
	} {
		if m := a.ask(again...); m.Get("stat") != "200" && m.Get("stat") != "404" {
			t.Errorf("again: %q", m.Fields)
		}
	}
	if m := b.ask("message_type", "delete", "message_id", id); m.Get("stat") != "200" {
		t.Errorf("for me: %q", m.Fields)
	}
	a.quiet()
	a2.quiet()
	b.quiet()
	b.ask("message_type", "history", "type", "GET", "conversation", "1")
	b.expect("message_type", "deleted", "for", "me", "user_account", "a", "message_id", id, "text", "")
}

func TestReplyAndVoice(t *testing.T) {
	w, a, b, id := pair(t)
	if _, err := w.store.PutFile(context.Background(), store.File{Name: "b_1_voice", Owner: "b", Hash: "h", Size: 1}); err != nil {
		t.Fatal(err)
	}
	if m := b.ask("message_type", "voice", "friends", "a", "file", "b_1_voice", "duration_ms", "1500", "waveform", "09aF", "reply_to", id,
		"client_message_id", "v"); m.Get("stat") != "200" || m.Get("seq") != "2" {
		t.Fatalf("voice: %q", m.Fields)
	}
	lines := []string{"message_type", "voice", "user_account", "b", "file", "b_1_voice", "duration_ms", "1500", "waveform", "09aF", "reply_to", id, "text", ""}
	a.expect(append(lines, "friends", "")...)
	if _, err := w.store.ReadableFile(context.Background(), "a", "b_1_voice"); err != nil {
		t.Errorf("a may hear it: %v", err)
	}
	b.ask("message_type", "history", "type", "GET", "conversation", "1", "after_seq", "1")
	b.expect(append(lines, "client_message_id", "v", "friends", "a")...)
	b.ask("message_type", "conversation", "type", "GET")
	b.expect("last_type", "voice", "file", "b_1_voice", "unread", "0", "mentioned", "0", "left", "")
}

// What a plain device was sent it has received when its pong says so; and what was edited meanwhile it is not sent again.
func TestPlainDevicesTellWhatTheyReceived(t *testing.T) {
	w, a, _, id := pair(t)
	b := w.login("b", "")
	b.expect("message_type", "text", "message_id", id)
	a.await("message_type", "receipt", "user_account", "b", "conversation", "1", "delivered_seq", "1", "read_seq", "0")
	a.ask("message_type", "edit", "message_id", id, "text", "again")
	b.await("message_type", "edit", "message_id", id)
	a.ask("message_type", "text", "friends", "b", "text", "live")
	b.await("message_type", "text", "text", "live")
	a.await("message_type", "receipt", "user_account", "b", "delivered_seq", "2")
	b.ask("message_type", "logout")
	again := w.login("b", "")
	again.quiet()
}

func TestReceiptsAreTold(t *testing.T) {
	w, a, b, _ := pair(t)
	b2, eve := w.login("b", "2"), w.login("c", "1")
	if m := b.ask("message_type", "receipt", "conversation", "1", "read_seq", "9"); m.Get("stat") != "200" || m.Get("read_seq") != "1" || m.Get("delivered_seq") != "1" {
		t.Errorf("answered %q", m.Fields)
	}
	for _, c := range []*client{a, b2} {
		if m := c.await("message_type", "receipt", "user_account", "b", "conversation", "1", "read_seq", "1", "delivered_seq", "1"); m.Get("change") == "" {
			t.Errorf("told %q", m.Fields)
		}
	}
	b.quiet()
	eve.quiet()
	if m := a.ask("message_type", "receipt", "type", "GET", "conversation", "1"); m.Get("count") != "2" {
		t.Errorf("listed %q", m.Fields)
	}
	a.expect("user_account", "a", "read_seq", "1")
	a.expect("user_account", "b", "read_seq", "1")
}

// TestSync takes what happened while a device was away in pages, and nothing twice.
func TestSync(t *testing.T) {
	w, a, b, id := pair(t)
	phone := w.login("b", "phone")
	long := strings.Repeat("x", 16<<10)
	const n = 20 // 320 KiB
	for range n {
		a.ask("message_type", "text", "friends", "b", "text", long)
	}
	a.ask("message_type", "react", "message_id", id, "reaction", "x")
	b.ask("message_type", "delete", "message_id", id)
	b.settle()
	phone.settle()
	got, pages, last := map[string]int{}, 0, int64(0)
	for more := "yes"; more == "yes"; pages++ {
		head := phone.ask("message_type", "sync", "type", "GET")
		count, _ := strconv.Atoi(head.Get("count"))
		for range count {
			m := phone.next()
			change, err := strconv.ParseInt(m.Get("change"), 10, 64)
			if err != nil || change <= last {
				t.Errorf("after %d: %q", last, m.Get("change"))
			}
			last = change
			got[m.Get("message_type")+m.Get("for")]++
		}
		more = head.Get("more")
		if m := phone.ask("message_type", "sync", "change", head.Get("change")); m.Get("change") != head.Get("change") {
			t.Errorf("cursor: %q", m.Fields)
		}
	}
	if got["text"] != n || got["deletedme"] != 1 || got["deleteme"] != 1 || got["react"] != 0 || pages < 3 || pages > 5 {
		t.Errorf("synced %v in %d pages", got, pages)
	}
	if m := phone.ask("message_type", "sync", "type", "GET"); m.Get("count") != "0" {
		t.Errorf("again: %q", m.Fields)
	}
	if m := phone.ask("message_type", "sync", "type", "GET", "after_change", "0", "limit", "1"); m.Get("count") != "1" || m.Get("more") != "yes" {
		t.Errorf("from the beginning: %q", m.Fields)
	}
}

// TestSyncOfTheAccountsOwn: what changed for an account alone reaches its device that was away.
func TestSyncOfTheAccountsOwn(t *testing.T) {
	w, a, b, id := pair(t)
	group := a.ask("message_type", "group", "name", "g", "friends", "b").Get("group_id")
	b.ask("message_type", "friend", "friends", "c", "text", "hello?")
	b.ask("message_type", "profile", "type", "PATCH", "user_name", "Bob")
	b.ask("message_type", "delete", "message_id", id)
	b.ask("message_type", "block", "friends", "c")
	b.ask("message_type", "member", "type", "DELETE", "group_id", group)
	phone := w.login("b", "phone")
	head := phone.ask("message_type", "sync", "type", "GET")
	if head.Get("more") != "" {
		t.Errorf("%q", head.Fields)
	}
	for _, lines := range [][]string{
		{"message_type", "friend", "user_account", "b", "friends", "c", "state", "asked", "text", "hello?"},
		{"message_type", "profile", "type", "PATCH", "user_name", "Bob"},
		{"message_type", "delete", "for", "me", "message_id", id, "seq", "1"},
		{"message_type", "block", "user_account", "b", "friends", "c"},
		{"message_type", "member", "type", "DELETE", "group_id", group},
	} {
		if m := phone.await(lines...); m.Get("change") == "" {
			t.Errorf("no change: %q", m.Fields)
		}
	}
}
