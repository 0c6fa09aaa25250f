package store

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
)

func TestPostToAPair(t *testing.T) {
	s := openNew(t, "b", "a")
	first := send(t, s, "b", "a", "one")
	second := send(t, s, "a", "b", "two")
	want := Message{Conversation: 1, Seq: 2, Change: second.Change, Author: "a", Kind: "text", Text: "two", Time: second.Time, PairA: "a", PairB: "b"}
	if !reflect.DeepEqual(second.Message, want) || second.Time == 0 || second.Change <= first.Change {
		t.Errorf("got %+v", second.Message)
	}
	if second.ID() != "1-2" || second.Peer("a") != "b" || second.Peer("b") != "a" {
		t.Errorf("id %s, peers %s %s", second.ID(), second.Peer("a"), second.Peer("b"))
	}
	if !reflect.DeepEqual(second.Recipients, []string{"a", "b"}) || second.Repeated {
		t.Errorf("got %+v", second)
	}
	stored, more, err := s.History(t.Context(), "b", 1, 0, 1, 10)
	if err != nil || more || len(stored) != 1 || !reflect.DeepEqual(stored[0], want) {
		t.Errorf("stored %+v, %v, %v", stored, more, err)
	}
}

func TestPostToOneself(t *testing.T) {
	s := openNew(t, "a")
	p := send(t, s, "a", "a", "note")
	if p.PairA != "a" || p.PairB != "a" || !reflect.DeepEqual(p.Recipients, []string{"a"}) {
		t.Errorf("got %+v", p)
	}
	if got := fmt.Sprint(history(t, s, "a", p.Conversation)); got != "[1 note]" {
		t.Errorf("history %s", got)
	}
	if c, err := s.Conversations(t.Context(), "a", 0, 10); err != nil || len(c) != 1 || c[0].Peer != "a" {
		t.Errorf("conversations %+v, %v", c, err)
	}
}

func TestPostRefusals(t *testing.T) {
	s := openNew(t, "a", "b", "stranger")
	g, _, err := s.groupWait(Group{Name: "g", Founder: "a"}, "b")
	if err != nil {
		t.Fatal(err)
	}
	pair := send(t, s, "a", "b", "hello")
	many := make([]Target, maxTargets+1)
	for i := range many {
		many[i].Account = "b"
	}
	for _, c := range []struct {
		name   string
		author string
		to     []Target
		files  []string
		want   error
	}{
		{"nobody", "a", nil, nil, ErrNotFound},
		{"empty target", "a", []Target{{}}, nil, ErrNotFound},
		{"unknown account", "a", []Target{{Account: "B"}}, nil, ErrNotFound},
		{"unknown author", "x", []Target{{Account: "b"}}, nil, ErrNotFound},
		{"unknown group", "a", []Target{{Group: "aaaaaaaaaa"}}, nil, ErrNotFound},
		{"another's group", "stranger", []Target{{Group: g.ID}}, nil, ErrNotFound},
		{"unknown conversation", "a", []Target{{Conversation: 99}}, nil, ErrNotFound},
		{"another's pair", "stranger", []Target{{Conversation: pair.Conversation}}, nil, ErrNotFound},
		{"another's group by conversation", "stranger", []Target{{Conversation: g.Conversation}}, nil, ErrNotFound},
		{"all or nothing", "a", []Target{{Account: "b"}, {Account: "stranger"}, {Account: "nobody"}}, nil, ErrNotFound},
		{"unknown file", "a", []Target{{Account: "b"}, {Account: "stranger"}}, []string{"nothing"}, ErrForbidden},
		{"too many", "a", many, nil, ErrTooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := count(t, s.readDB, "SELECT COUNT(*) + (SELECT COUNT(*) FROM conversations) FROM messages")
			posted, err := s.postWait(Draft{Author: c.author, To: c.to, Kind: "text", Text: "x", Files: c.files})
			if !errors.Is(err, c.want) || posted != nil {
				t.Errorf("got %v, %v", posted, err)
			}
			if after := count(t, s.readDB, "SELECT COUNT(*) + (SELECT COUNT(*) FROM conversations) FROM messages"); after != before {
				t.Errorf("%d rows were stored", after-before)
			}
		})
	}
}

func TestPostToSeveral(t *testing.T) {
	s := openNew(t, "a", "b", "c")
	bc := send(t, s, "a", "b", "first")
	posted, err := s.postWait(Draft{Author: "a", To: []Target{{Account: "c"}, {Account: "b"}, {Conversation: bc.Conversation}},
		Kind: "text", Text: "all", ClientID: "1"})
	if err != nil || len(posted) != 3 {
		t.Fatalf("%+v, %v", posted, err)
	}
	if posted[0].ID() != "2-1" || posted[1].ID() != "1-2" || posted[2].ID() != "1-2" {
		t.Errorf("ids %s %s %s", posted[0].ID(), posted[1].ID(), posted[2].ID())
	}
	if posted[0].Repeated || posted[1].Repeated || !posted[2].Repeated {
		t.Errorf("the third is the second once more: %+v", posted)
	}
}

func TestClientIDs(t *testing.T) {
	path := databases.Fresh(t)
	s := openAt(t, path)
	addUsers(t, s, "a", "b", "c")
	if _, err := s.PutFile(t.Context(), File{Name: "f", Owner: "a", Hash: "h"}); err != nil {
		t.Fatal(err)
	}
	draft := Draft{Author: "a", To: []Target{{Account: "b"}, {Account: "c"}}, Kind: "text", Text: "x", Carry: []byte(`{"reply":"1-1"}`),
		Files: []string{"f", "f"}, ClientID: "id"}
	first, err := s.postWait(draft)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, path)
	again, err := s.postWait(draft)
	if err != nil || len(again) != 2 {
		t.Fatalf("%+v, %v", again, err)
	}
	for i := range again {
		if !again[i].Repeated || !reflect.DeepEqual(again[i].Message, first[i].Message) || !reflect.DeepEqual(again[i].Recipients, first[i].Recipients) {
			t.Errorf("first %+v, again %+v", first[i], again[i])
		}
	}
	for name, change := range map[string]func(*Draft){
		"text":         func(d *Draft) { d.Text = "y" },
		"kind":         func(d *Draft) { d.Kind = "voice" },
		"carry":        func(d *Draft) { d.Carry = nil },
		"files":        func(d *Draft) { d.Files = nil },
		"fewer":        func(d *Draft) { d.To = d.To[:1] },
		"more":         func(d *Draft) { d.To = append(d.To[:2:2], Target{Account: "a"}) },
		"other":        func(d *Draft) { d.To = []Target{{Account: "b"}, {Account: "a"}} },
		"unknown":      func(d *Draft) { d.To = []Target{{Account: "nobody"}} },
		"twice but no": func(d *Draft) { d.To = []Target{{Account: "b"}, {Account: "b"}} },
	} {
		d := draft
		change(&d)
		if _, err := s.postWait(d); !errors.Is(err, ErrConflict) {
			t.Errorf("other %s: %v", name, err)
		}
	}
	if _, err := s.postWait(Draft{Author: "b", To: []Target{{Account: "a"}}, Kind: "text", Text: "mine", ClientID: "id"}); err != nil {
		t.Errorf("another author's id: %v", err)
	}
	if n := count(t, s.readDB, "SELECT COUNT(*) FROM messages"); n != 3 {
		t.Errorf("%d messages, want 3", n)
	}
}

func TestTheSameClientIDWithinABatch(t *testing.T) {
	s := openNew(t, "a", "b")
	release := hold(t, s)
	type answer struct {
		posted []Posted
		err    error
	}
	answers := make(chan answer, 3)
	for _, text := range []string{"x", "x", "y"} {
		s.Post(Draft{Author: "a", To: []Target{{Account: "b"}}, Kind: "text", Text: text, ClientID: "id"}, func(p []Posted, err error) { answers <- answer{p, err} })
	}
	release()
	first, second, third := <-answers, <-answers, <-answers
	if first.err != nil || second.err != nil || first.posted[0].Repeated || !second.posted[0].Repeated || second.posted[0].ID() != "1-1" {
		t.Errorf("first %+v, second %+v", first, second)
	}
	if !errors.Is(third.err, ErrConflict) {
		t.Errorf("third %+v", third)
	}
}

// More client ids than one look-up statement takes, some of them sent before.
func TestManyClientIDsInABatch(t *testing.T) {
	s := openNew(t, "a", "b")
	draft := func(i int) Draft {
		return Draft{Author: "a", To: []Target{{Account: "b"}}, Kind: "text", Text: fmt.Sprint(i), ClientID: fmt.Sprint("id", i)}
	}
	for i := range 50 {
		post1(t, s, draft(i))
	}
	release := hold(t, s)
	const n = 150
	ids := make(chan string, 2*n)
	for range 2 {
		for i := range n {
			s.Post(draft(i), func(p []Posted, err error) {
				if err != nil {
					t.Error(err)
					ids <- ""
					return
				}
				ids <- p[0].Text + " is " + p[0].ID()
			})
		}
	}
	release()
	for range 2 {
		for i := range n {
			if got, want := <-ids, fmt.Sprintf("%d is 1-%d", i, i+1); got != want {
				t.Fatalf("got %s, want %s", got, want)
			}
		}
	}
}

func TestMarkRead(t *testing.T) {
	s := openNew(t, "a", "b", "stranger")
	for i := range 5 {
		send(t, s, "a", "b", fmt.Sprint(i))
	}
	for _, c := range []struct {
		account string
		seq     int64
		want    int64
	}{
		{"b", 2, 2}, {"b", 1, 2}, {"b", -5, 2}, {"b", 99, 5}, {"a", 1, 5},
	} {
		if got, err := s.markWait(c.account, 1, c.seq); err != nil || got != c.want {
			t.Errorf("%s reads %d: %d, %v, want %d", c.account, c.seq, got, err, c.want)
		}
	}
	for _, c := range []struct {
		account      string
		conversation int64
	}{{"stranger", 1}, {"a", 2}} {
		if _, err := s.markWait(c.account, c.conversation, 1); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s in %d: %v", c.account, c.conversation, err)
		}
	}
	if c, err := s.Conversations(t.Context(), "b", 0, 10); err != nil || c[0].ReadSeq != 5 {
		t.Errorf("stored: %+v, %v", c, err)
	}
}

// Marks of a batch see the messages of the batch, whatever their order.
func TestMarkReadWithinABatch(t *testing.T) {
	s := openNew(t, "a", "b")
	send(t, s, "a", "b", "first")
	release := hold(t, s)
	marks := make(chan int64, 3)
	mark := func(account string, seq int64) {
		s.Mark(account, 1, Watermark{Read: seq}, nil, func(to Watermark, err error) {
			if err != nil {
				t.Error(err)
			}
			marks <- to.Read
		})
	}
	mark("b", 2)
	s.Post(Draft{Author: "a", To: []Target{{Account: "b"}}, Kind: "text", Text: "second"}, func([]Posted, error) {})
	mark("a", 1)
	mark("b", 1)
	release()
	for i, want := range []int64{2, 2, 2} {
		if got := <-marks; got != want {
			t.Errorf("mark %d: %d, want %d", i, got, want)
		}
	}
}
