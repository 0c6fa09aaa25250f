package store

import (
	"errors"
	"fmt"
	"testing"
)

// TestResendAfterLosingTheRight: what was sent while one might is answered as it was, though one may not any more.
func TestResendAfterLosingTheRight(t *testing.T) {
	s := openNew(t, "a", "b")
	g, _, err := s.groupWait(Group{Name: "g", Founder: "b"}, "a")
	if err != nil {
		t.Fatal(err)
	}
	d := Draft{Author: "a", To: []Target{{Group: g.ID}}, Kind: "text", Text: "goodbye", ClientID: "1"}
	first := post1(t, s, d)
	if _, err := s.removeWait("b", g.ID, "a"); err != nil {
		t.Fatal(err)
	}
	again, err := s.postWait(d)
	if err != nil || len(again) != 1 || !again[0].Repeated || again[0].Seq != first.Seq {
		t.Errorf("sent again: %+v, %v", again, err)
	}
	d.Text = "something else"
	if _, err := s.postWait(d); !errors.Is(err, ErrConflict) {
		t.Errorf("other content: %v", err)
	}
	d.ClientID = "2"
	if _, err := s.postWait(d); !errors.Is(err, ErrNotFound) {
		t.Errorf("another message: %v", err)
	}
}

// TestResendsAmongOthers sends messages of which every tenth was sent before, to the same and to others.
func TestResendsAmongOthers(t *testing.T) {
	s := openNew(t, "a", "b", "c")
	draft := func(i int, to string) Draft {
		return Draft{Author: "a", To: []Target{{Account: to}}, Kind: "text", Text: fmt.Sprint(i), ClientID: fmt.Sprint(i)}
	}
	before := map[int]Posted{}
	for i := 0; i < 400; i += 10 {
		before[i] = post1(t, s, draft(i, "b"))
	}
	type outcome struct {
		posted []Posted
		err    error
	}
	outcomes := make([]chan outcome, 400)
	for i := range outcomes {
		outcomes[i] = make(chan outcome, 1)
		to := "b"
		if i%20 == 10 {
			to = "c" // it went to b
		}
		s.Post(draft(i, to), func(p []Posted, err error) { outcomes[i] <- outcome{p, err} })
	}
	for i := range outcomes {
		o := <-outcomes[i]
		first, sent := before[i]
		switch {
		case i%20 == 10:
			if !errors.Is(o.err, ErrConflict) {
				t.Errorf("%d, sent to somebody else: %+v, %v", i, o.posted, o.err)
			}
		case o.err != nil:
			t.Errorf("%d: %v", i, o.err)
		case o.posted[0].Repeated != sent || sent && o.posted[0].Seq != first.Seq:
			t.Errorf("%d: %+v, first %+v", i, o.posted[0], first)
		}
	}
	if n := len(history(t, s, "a", before[0].Conversation)); n != 40+360 {
		t.Errorf("%d messages are stored", n)
	}
}
