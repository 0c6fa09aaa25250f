package store

import (
	"strconv"
	"testing"
)

func TestPresence(t *testing.T) {
	var names []string
	s := openNew(t, "a", "b", "friend", "foe")
	friendStepOf := func(_ FriendEvent, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	friendStepOf(s.ask("a", "friend", ""))
	friendStepOf(s.answer("friend", "a", true))
	if _, err := s.block("a", "foe"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		to   string
		sees map[string]bool
	}{
		{"everyone", map[string]bool{"a": true, "b": true, "friend": true, "foe": false}},
		{"friends", map[string]bool{"a": true, "b": false, "friend": true, "foe": false}},
		{"nobody", map[string]bool{"a": true, "b": false, "friend": false, "foe": false}},
	} {
		if err := s.setProfile("a", map[string]string{"presence_to": c.to}); err != nil {
			t.Fatal(err)
		}
		audience, err := s.Audience(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		for viewer, want := range c.sees {
			got, _, err := s.Presence(t.Context(), viewer, "a")
			if err != nil || got != want || audience.Sees(viewer) != want {
				t.Errorf("to %s: %s sees: %v and %v, %v", c.to, viewer, got, audience.Sees(viewer), err)
			}
		}
	}
	if visible, _, err := s.Presence(t.Context(), "a", "nobody"); visible || err != nil {
		t.Errorf("of nobody: %v, %v", visible, err)
	}
	if audience, err := s.Audience(t.Context(), "nobody"); err != nil || audience.Sees("a") {
		t.Errorf("of nobody: %v", err)
	}

	at := map[string]int64{"a": 7, "nobody": 1}
	for i := range 2 * seenLimit {
		names = append(names, "u"+strconv.Itoa(i))
		at[names[i]] = int64(i + 1)
	}
	addUsers(t, s, names...)
	seen := func(at map[string]int64) {
		t.Helper()
		if _, err := wait(func(done func(int, error)) { s.Seen(at, func(err error) { done(0, err) }) }); err != nil {
			t.Fatal(err)
		}
	}
	seen(at)
	seen(map[string]int64{"a": 6})
	for account, want := range map[string]int64{"a": 7, names[0]: 1, names[2*seenLimit-1]: 2 * seenLimit} {
		if _, got, err := s.Presence(t.Context(), account, account); err != nil || got != want {
			t.Errorf("%s was last seen at %d (%v), want %d", account, got, err, want)
		}
	}
}
