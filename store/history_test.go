package store

import (
	"errors"
	"fmt"
	"testing"
)

func TestHistoryOfAStranger(t *testing.T) {
	s := openNew(t, "a", "b", "c")
	send(t, s, "a", "b", "x")
	for _, c := range []struct {
		account      string
		conversation int64
	}{{"c", 1}, {"nobody", 1}, {"a", 2}} {
		if _, _, err := s.History(t.Context(), c.account, c.conversation, 0, 0, 10); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s in %d: %v", c.account, c.conversation, err)
		}
	}
}

func TestConversations(t *testing.T) {
	s := openNew(t, "a", "b", "c", "d")
	g, _, err := s.groupWait(Group{Name: "name", Founder: "b"}, "a")
	if err != nil {
		t.Fatal(err)
	}
	send(t, s, "a", "b", "to b")
	send(t, s, "c", "a", "from c")
	send(t, s, "d", "b", "not a's")
	send(t, s, "b", "a", "from b")
	var got []string
	for before := int64(0); ; {
		page, err := s.Conversations(t.Context(), "a", before, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, c := range page {
			if c.ID != c.Last.Conversation || c.LastSeq != c.Last.Seq || c.Change != c.Last.Change || (c.Group != "") != (c.Peer == "") {
				t.Errorf("%+v", c)
			}
			got = append(got, fmt.Sprintf("%s%s %s %d/%d", c.Peer, c.GroupName, c.Last.Text, c.ReadSeq, c.LastSeq))
			before = c.Change
		}
	}
	want := []string{"b from b 1/2", "c from c 0/1", "name  0/1"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q, want %q (group %s)", got, want, g.ID)
	}
}

// deliveredTo is up to which change a device was delivered texts.
func deliveredTo(t *testing.T, s *Store, account, device string) int64 {
	t.Helper()
	delivered, _, err := s.cursors(t.Context(), account, device)
	if err != nil {
		t.Fatal(err)
	}
	return delivered
}

// waiting is what a device was not delivered yet.
func waiting(t *testing.T, s *Store, account, device string) ([]Message, error) {
	t.Helper()
	return s.Undelivered(t.Context(), account, deliveredTo(t, s, account, device), 10_000)
}

func TestUndelivered(t *testing.T) {
	s := openNew(t, "a", "b", "c")
	ctx := t.Context()
	skip := func() { // as many other people's changes would
		if err := <-enqueueCall(s, func(b *batch) error { return b.draw(5 * firstWindow) }); err != nil {
			t.Fatal(err)
		}
	}
	send(t, s, "b", "a", "1")
	send(t, s, "a", "b", "own")
	skip()
	third := send(t, s, "c", "a", "2")
	send(t, s, "b", "c", "not a's")
	skip()
	send(t, s, "b", "a", "3")
	last := send(t, s, "c", "a", "4")
	get := func(device string, after int64, limit int) string {
		t.Helper()
		got, err := s.Undelivered(ctx, "a", max(after, deliveredTo(t, s, "a", device)), limit)
		if err != nil {
			t.Fatal(err)
		}
		text := ""
		for _, m := range got {
			text += m.Text
		}
		return text
	}
	if got := get("", 0, 10); got != "1234" {
		t.Errorf("all: %s", got)
	}
	if got := get("", 0, 3); got != "123" {
		t.Errorf("a page: %s", got)
	}
	if got := get("", third.Change, 10); got != "34" {
		t.Errorf("after: %s", got)
	}
	s.Delivered("a", "", last.Change)
	s.Delivered("a", "", third.Change)
	s.Delivered("a", "phone", third.Change)
	s.Delivered("nobody", "", 1)
	if err := s.Ping(ctx); err != nil {
		t.Fatal(err)
	}
	if got := get("", 0, 10); got != "" {
		t.Errorf("all delivered, but: %s", got)
	}
	if got := get("phone", 0, 10); got != "34" {
		t.Errorf("another device: %s", got)
	}
	s.Delivered("a", "phone", 1)
	if err := s.Ping(ctx); err != nil {
		t.Fatal(err)
	}
	if got := get("phone", 0, 10); got != "34" {
		t.Errorf("the cursor fell: %s", got)
	}
}
