package store

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
)

// hear collects what is told of receipts.
func hear(s *Store) chan Receipt {
	told := make(chan Receipt, 1000)
	s.Listen(Listener{Receipts: func(all []Receipt) {
		for _, r := range all {
			told <- r
		}
	}})
	return told
}

func TestWatermarks(t *testing.T) {
	s := openNew(t, "a", "b")
	for i := range 5 {
		send(t, s, "a", "b", fmt.Sprint(i))
	}
	for _, c := range []struct{ to, want Watermark }{
		{Watermark{0, 2}, Watermark{0, 2}},
		{Watermark{1, 0}, Watermark{1, 2}},
		{Watermark{3, 1}, Watermark{3, 3}},
		{Watermark{2, 99}, Watermark{3, 5}},
		{Watermark{99, 0}, Watermark{5, 5}},
	} {
		if got, err := s.watermarkWait("b", 1, c.to); err != nil || got != c.want {
			t.Errorf("%v: %v, %v, want %v", c.to, got, err, c.want)
		}
	}
	all, err := s.Receipts(t.Context(), "a", 1)
	want := []Receipt{{Account: "a", Conversation: 1, Watermark: Watermark{5, 5}}, {Account: "b", Conversation: 1, Watermark: Watermark{5, 5}}}
	if err != nil || !reflect.DeepEqual(all, want) {
		t.Errorf("%+v, %v", all, err)
	}
	if _, err := s.Receipts(t.Context(), "eve", 1); !errors.Is(err, ErrNotFound) {
		t.Errorf("a stranger: %v", err)
	}
}

// Many steps are told as one, and none is lost.
func TestReceiptsAreToldTogether(t *testing.T) {
	s := openNew(t, "a", "b")
	told := hear(s)
	const n = 100
	for i := range n {
		send(t, s, "a", "b", fmt.Sprint(i))
	}
	by := new(int)
	for i := range int64(n) {
		if _, err := wait(func(done func(Watermark, error)) { s.Mark("b", 1, Watermark{Read: i + 1}, by, done) }); err != nil {
			t.Fatal(err)
		}
	}
	heard, last := 0, int64(0)
	for last < n {
		r := <-told
		if r.Account != "b" || r.Read <= last || r.By != by || !reflect.DeepEqual(r.Recipients, []string{"a", "b"}) {
			t.Fatalf("told %+v after %d", r, last)
		}
		heard, last = heard+1, r.Read
	}
	if heard == n {
		t.Errorf("each of %d steps was told", n)
	}
	page, err := s.Sync(t.Context(), "a", 0, 500)
	if err != nil || page.More {
		t.Fatalf("%v, %v", page.More, err)
	}
	if r := page.Items[len(page.Items)-1].Receipt; r == nil || r.Account != "b" || r.Read != n {
		t.Errorf("synced %+v", page.Items[len(page.Items)-1])
	}
}

// What is held back when the store is closed is told with its last transaction.
func TestReceiptsAreToldAtTheEnd(t *testing.T) {
	s := openNew(t, "a", "b")
	told := hear(s)
	send(t, s, "a", "b", "one")
	send(t, s, "a", "b", "two")
	for seq := range int64(2) {
		if _, err := s.markWait("b", 1, seq+1); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	close(told)
	var last Receipt
	for r := range told {
		last = r
	}
	if last.Read != 2 {
		t.Errorf("the last that was told is %+v", last)
	}
}

func TestReceiptsOfManyAreOnesOwn(t *testing.T) {
	var people []string
	for i := range smallGroup + 1 {
		people = append(people, fmt.Sprint("p", i))
	}
	s := openNew(t, people...)
	told := hear(s)
	g, _, err := s.groupWait(Group{Name: "many", Founder: "p0"}, people[1:]...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.markWait("p1", g.Conversation, 1); err != nil {
		t.Fatal(err)
	}
	if r := <-told; !reflect.DeepEqual(r.Recipients, []string{"p1"}) || r.Group != g.ID {
		t.Errorf("told %+v", r)
	}
	for account, want := range map[string]int{"p1": 1, "p2": 0} {
		page, err := s.Sync(t.Context(), account, 0, 500)
		n := 0
		for _, i := range page.Items {
			if i.Receipt != nil {
				n++
			}
		}
		if err != nil || n != want {
			t.Errorf("%s syncs %d receipts, %v", account, n, err)
		}
		if all, err := s.Receipts(t.Context(), account, g.Conversation); err != nil || len(all) != 1 || all[0].Account != account {
			t.Errorf("%s sees %+v, %v", account, all, err)
		}
	}
}
