package signaling

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

// look searches and returns the texts found, then "…" where there are more, and the change of the last.
func (c *client) look(lines ...string) (texts, change string) {
	c.t.Helper()
	m := c.ask(append([]string{"message_type", "search", "type", "GET"}, lines...)...)
	count, err := strconv.Atoi(m.Get("count"))
	if err != nil {
		c.t.Fatalf("%q: %q", lines, m.Fields)
	}
	var all []string
	for range count {
		item := c.next()
		all = append(all, item.Get("text"))
		change = item.Get("change")
	}
	if m.Get("more") == "yes" {
		all = append(all, "…")
	}
	return strings.Join(all, " | "), change
}

// finds asks until it is answered what is wanted: a text can be found up to two seconds after it was sent.
func (c *client) finds(want string, lines ...string) {
	c.t.Helper()
	for give := time.After(patience); ; {
		got, _ := c.look(lines...)
		if got == want {
			return
		}
		select {
		case <-give:
			c.t.Fatalf("%s looks for %q and finds %s, want %s", c.account, lines, got, want)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func TestSearchVerb(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b", "eve")
	a, b, eve := w.login("a", "1"), w.login("b", "1"), w.login("eve", "1")
	first := a.ask("message_type", "text", "friends", "b", "text", "The roses need water")
	second := b.ask("message_type", "text", "friends", "a", "text", "我喜欢玫瑰 roses")
	a.ask("message_type", "text", "friends", "eve", "text", "roses for eve")
	conversation := first.Get("conversation")
	a.finds("roses for eve | 我喜欢玫瑰 roses | The roses need water", "text", "ROSES")
	b.finds("我喜欢玫瑰 roses | The roses need water", "text", "roses")
	b.finds("我喜欢玫瑰 roses", "text", "玫")
	b.finds("", "text", "玫喜")
	b.finds("The roses need water", "text", "roses", "friends", "a")
	a.finds("我喜欢玫瑰 roses | The roses need water", "text", "roses", "conversation", conversation)
	a.finds("The roses need water", "text", "roses", "until", first.Get("time"), "friends", "a", "conversation", conversation)
	a.finds("", "text", "roses", "until", "1")
	eve.finds("roses for eve", "text", "roses")

	page, change := a.look("text", "roses", "limit", "2")
	rest, _ := a.look("text", "roses", "limit", "2", "before_change", change)
	if page != "roses for eve | 我喜欢玫瑰 roses | …" || rest != "The roses need water" {
		t.Errorf("pages %s and %s", page, rest)
	}
	if none, _ := a.look("text", "roses", "before_change", "0"); none != "" {
		t.Errorf("before the first change: %s", none)
	}

	if m := a.ask("message_type", "edit", "message_id", first.Get("message_id"), "text", "The tulips need water"); m.Get("stat") != "200" {
		t.Fatalf("%q", m.Fields)
	}
	b.finds("我喜欢玫瑰 roses", "text", "roses")
	b.finds("The tulips need water", "text", "tulips")
	a.ask("message_type", "delete", "message_id", first.Get("message_id"), "for", "me")
	a.finds("", "text", "tulips")
	b.finds("The tulips need water", "text", "tulips")
	b.ask("message_type", "delete", "message_id", second.Get("message_id"), "for", "all")
	a.finds("roses for eve", "text", "roses")
}

func TestSearchRefusals(t *testing.T) {
	w := newWorld(t, Times{}, "a")
	a := w.login("a", "1")
	for _, c := range []struct {
		stat  string
		lines []string
	}{
		{"400", nil},
		{"400", []string{"text", "?! 😀"}},
		{"413", []string{"text", strings.Repeat("x", searchText+1)}},
		{"400", []string{"text", "x", "limit", "0"}},
		{"400", []string{"text", "x", "limit", "many"}},
		{"400", []string{"text", "x", "since", "-1"}},
		{"400", []string{"text", "x", "friends", "a,b"}},
		{"400", []string{"text", "x", "friends", "no account"}},
		{"404", []string{"text", "x", "conversation", "0"}},
		{"404", []string{"text", "x", "conversation", "12"}},
		{"200", []string{"text", "x", "friends", "nobody"}},
		{"200", []string{"text", strings.Repeat("文字 ", 71), "limit", "100000"}},
	} {
		if m := a.ask(append([]string{"message_type", "search", "type", "GET"}, c.lines...)...); m.Get("stat") != c.stat {
			t.Errorf("%q: %q, want %s", c.lines, m.Fields, c.stat)
		}
	}
}
