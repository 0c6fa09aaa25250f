package store

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
)

// garden is a group of a (its creator), b (an admin) and c, and of d, who has left.
func garden(t *testing.T) (*Store, Group) {
	t.Helper()
	s := openNew(t, "a", "b", "c", "d", "eve")
	g, _, err := s.groupWait(Group{Name: "garden", Founder: "a"}, "b", "c", "d")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wait(func(done func([]Posted, error)) { s.SetPermissions("a", g.ID, []string{"b"}, "admin", done) }); err != nil {
		t.Fatal(err)
	}
	return s, g
}

func (p *Posted) at() Place { return Place{p.Conversation, p.Seq} }

func TestEdit(t *testing.T) {
	s, g := garden(t)
	first := post1(t, s, Draft{Author: "c", To: []Target{{Group: g.ID}}, Kind: KindText, Text: "rose", ClientID: "1"})
	old := post1(t, s, Draft{Author: "d", To: []Target{{Group: g.ID}}, Kind: KindText, Text: "d's"})
	if _, err := s.leaveWait("d", g.ID); err != nil {
		t.Fatal(err)
	}
	gone := post1(t, s, Draft{Author: "c", To: []Target{{Group: g.ID}}, Kind: KindText, Text: "gone"})
	if _, err := s.deleteWait("c", gone.at(), true); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, by string
		at       Place
		files    []string
		want     error
	}{
		{"a stranger", "eve", first.at(), nil, ErrNotFound},
		{"no such message", "c", Place{g.Conversation, 99}, nil, ErrNotFound},
		{"no such conversation", "c", Place{99, 1}, nil, ErrNotFound},
		{"another's", "a", first.at(), nil, ErrNotYours},
		{"a record", "a", Place{g.Conversation, 1}, nil, ErrNotYours},
		{"one who has left", "d", old.at(), nil, ErrNotYours},
		{"what came after leaving", "d", gone.at(), nil, ErrNotFound},
		{"a deleted one", "c", gone.at(), nil, ErrNotFound},
		{"another's file", "c", first.at(), []string{"nothing"}, ErrForbidden},
	} {
		if _, err := s.editWait(Edit{By: c.by, Place: c.at, Text: "x", Files: c.files}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	did, err := s.editWait(Edit{By: "c", Place: first.at(), Text: "lily"})
	if err != nil || did.Unchanged || did.Text != "lily" || did.Edited == 0 || did.Change <= gone.Change || !reflect.DeepEqual(did.Recipients, []string{"a", "b", "c"}) {
		t.Errorf("edited %+v, %v", did, err)
	}
	again, err := s.editWait(Edit{By: "c", Place: first.at(), Text: "lily"})
	if err != nil || !again.Unchanged || again.ChangeOfAct != did.Change {
		t.Errorf("again %+v, %v", again, err)
	}
	stored, _, err := s.History(t.Context(), "a", g.Conversation, first.Seq+1, 0, 1)
	if err != nil || len(stored) != 1 || stored[0].Text != "lily" || stored[0].Edited != did.Edited || stored[0].Time != first.Time {
		t.Errorf("stored %+v, %v", stored, err)
	}
}

// What was said after somebody left is not for them, in old messages neither.
func TestWhoHasLeftSeesNoEdit(t *testing.T) {
	s, g := garden(t)
	p := post1(t, s, Draft{Author: "c", To: []Target{{Group: g.ID}}, Kind: KindText, Text: "before"})
	if _, err := s.reactWait("a", p.at(), "x", false); err != nil {
		t.Fatal(err)
	}
	if _, err := s.leaveWait("d", g.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.reactWait("b", p.at(), "y", false); err != nil {
		t.Fatal(err)
	}
	see := func() Message {
		t.Helper()
		page, _, err := s.History(t.Context(), "d", g.Conversation, p.Seq+1, 0, 1)
		if err != nil || len(page) != 1 {
			t.Fatalf("%+v, %v", page, err)
		}
		return page[0]
	}
	if m := see(); m.Text != "before" || fmt.Sprint(m.Tallies) != "[{x 1 false}]" {
		t.Errorf("reacted to: %+v", m)
	}
	if all, _, err := s.Reactions(t.Context(), "d", p.at(), ""); err != nil || len(all) != 1 {
		t.Errorf("reactions: %+v, %v", all, err)
	}
	if _, err := s.PutFile(t.Context(), File{Name: "f", Owner: "c", Hash: "h"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.editWait(Edit{By: "c", Place: p.at(), Text: "secret", Files: []string{"f"}}); err != nil {
		t.Fatal(err)
	}
	for account, want := range map[string]error{"a": nil, "d": ErrNotFound} {
		if _, err := s.ReadableFile(t.Context(), account, "f"); !errors.Is(err, want) {
			t.Errorf("%s reads the file that the edit names: %v", account, err)
		}
	}
	if _, err := s.postWait(Draft{Author: "d", To: []Target{{Account: "eve"}}, Kind: KindText, Files: []string{"f"}}); !errors.Is(err, ErrForbidden) {
		t.Errorf("d names it: %v", err)
	}
	if m := see(); m.Text != "" || m.Kind != KindDeleted || m.Hidden {
		t.Errorf("edited: %+v", m)
	}
	page, err := s.Sync(t.Context(), "d", p.Change, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range page.Items {
		if i.Message != nil && i.Message.Seq == p.Seq || i.Reaction != nil && i.Reaction.Account == "b" {
			t.Errorf("told %+v %+v", i.Message, i.Reaction)
		}
	}
}

func TestDeleteForAll(t *testing.T) {
	s, g := garden(t)
	if _, err := s.PutFile(t.Context(), File{Name: "f", Owner: "c", Hash: "h"}); err != nil {
		t.Fatal(err)
	}
	draft := Draft{Author: "c", To: []Target{{Group: g.ID}}, Kind: KindText, Text: "<file>f</file>", Files: []string{"f"}, ClientID: "1", Mentions: []string{"a"}}
	p := post1(t, s, draft)
	if _, err := s.reactWait("a", p.at(), "x", false); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ReadableFile(t.Context(), "a", "f"); err != nil {
		t.Fatal(err)
	}
	voice := post1(t, s, Draft{Author: "a", To: []Target{{Group: g.ID}}, Kind: KindVoice, Carry: []byte(`{"duration_ms":1}`)})
	for _, c := range []struct {
		name, by string
		at       Place
		want     error
	}{
		{"a stranger", "eve", p.at(), ErrNotFound},
		{"a member", "c", voice.at(), ErrNotYours},
		{"a record", "a", Place{g.Conversation, 1}, ErrNotYours},
	} {
		if _, err := s.deleteWait(c.by, c.at, true); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	did, err := s.deleteWait("b", p.at(), true) // an admin
	if err != nil || did.Unchanged || did.By != "b" || did.Author != "c" {
		t.Errorf("deleted %+v, %v", did, err)
	}
	if again, err := s.deleteWait("c", p.at(), true); err != nil || !again.Unchanged {
		t.Errorf("again %+v, %v", again, err)
	}
	stored, _, err := s.History(t.Context(), "a", g.Conversation, p.Seq+1, 0, 1)
	if err != nil || len(stored) != 1 || stored[0].Kind != KindDeleted || stored[0].Text != "" || stored[0].Carry != nil || stored[0].Tallies != nil || stored[0].Hidden {
		t.Errorf("stored %+v, %v", stored, err)
	}
	if _, err := s.ReadableFile(t.Context(), "a", "f"); !errors.Is(err, ErrNotFound) {
		t.Errorf("its file: %v", err)
	}
	if _, err := s.reactWait("a", p.at(), "x", false); !errors.Is(err, ErrNotFound) {
		t.Errorf("react to a deleted one: %v", err)
	}
	if list, err := s.Conversations(t.Context(), "a", 0, 1); err != nil || list[0].Mentioned != 0 {
		t.Errorf("still mentioned: %+v, %v", list, err)
	}
}

// What was sent may be sent again whatever became of it, and gets the first answer; other content never does.
func TestClientIDsOfWhatWasChanged(t *testing.T) {
	s, g := garden(t)
	draft := Draft{Author: "c", To: []Target{{Group: g.ID}}, Kind: KindText, Text: "first", ClientID: "1", Mentions: []string{"a", "nobody"}}
	first := post1(t, s, draft)
	again := func(what string) {
		t.Helper()
		if p := post1(t, s, draft); !p.Repeated || p.ID() != first.ID() || p.Time != first.Time {
			t.Errorf("%s: %+v", what, p)
		}
		for name, change := range map[string]func(*Draft){
			"the new text":   func(d *Draft) { d.Text = "second" },
			"other mentions": func(d *Draft) { d.Mentions = []string{"a"} },
			"nothing":        func(d *Draft) { d.Text, d.Kind = "", KindDeleted },
		} {
			other := draft
			change(&other)
			if _, err := s.postWait(other); !errors.Is(err, ErrConflict) {
				t.Errorf("%s, with %s: %v", what, name, err)
			}
		}
	}
	again("as it was")
	for _, text := range []string{"second", "third"} {
		if _, err := s.editWait(Edit{By: "c", Place: first.at(), Text: text, Mentions: []string{"b"}}); err != nil {
			t.Fatal(err)
		}
	}
	again("edited")
	if _, err := s.deleteWait("c", first.at(), true); err != nil {
		t.Fatal(err)
	}
	again("deleted")
}

func TestDeleteForMe(t *testing.T) {
	s := openNew(t, "a", "b")
	send(t, s, "b", "a", "one")
	two := send(t, s, "b", "a", "two")
	if _, err := s.reactWait("b", two.at(), "x", false); err != nil {
		t.Fatal(err)
	}
	did, err := s.deleteWait("a", two.at(), false)
	if err != nil || !did.OnlyFor || !reflect.DeepEqual(did.Recipients, []string{"a"}) {
		t.Fatalf("%+v, %v", did, err)
	}
	for name, try := range map[string]func() error{
		"delete": func() error { _, err := s.deleteWait("a", two.at(), false); return err },
		"react":  func() error { _, err := s.reactWait("a", two.at(), "x", false); return err },
		"list":   func() error { _, _, err := s.Reactions(t.Context(), "a", two.at(), ""); return err },
		"reply": func() error {
			_, err := s.postWait(Draft{Author: "a", To: []Target{{Account: "b"}}, Kind: KindText, Text: "x", Reply: two.at()})
			return err
		},
	} {
		if err := try(); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	page, _, err := s.History(t.Context(), "a", two.Conversation, 0, 0, 10)
	if err != nil || len(page) != 2 || !page[1].Hidden || page[1].Kind != KindDeleted || page[1].Text != "" || page[1].Tallies != nil {
		t.Errorf("a sees %+v, %v", page, err)
	}
	if got := history(t, s, "b", two.Conversation); fmt.Sprint(got) != "[1 one 2 two]" {
		t.Errorf("b sees %v", got)
	}
	list, err := s.Conversations(t.Context(), "a", 0, 10)
	if err != nil || len(list) != 1 || list[0].Last.Text != "one" || list[0].LastSeq != 2 || list[0].Unread != 1 {
		t.Errorf("listed %+v, %v", list, err)
	}
	if got, err := waiting(t, s, "a", ""); err != nil || fmt.Sprint(texts(got)) != "[1 one]" {
		t.Errorf("undelivered %v, %v", texts(got), err)
	}
}

func TestReact(t *testing.T) {
	s := openNew(t, "a", "b", "eve")
	p := send(t, s, "a", "b", "x")
	if _, err := s.reactWait("eve", p.at(), "👍", false); !errors.Is(err, ErrNotFound) {
		t.Errorf("a stranger: %v", err)
	}
	first, err := s.reactWait("b", p.at(), "👍", false)
	if err != nil || first.Unchanged || first.ChangeOfAct <= p.Change {
		t.Fatalf("%+v, %v", first, err)
	}
	if again, err := s.reactWait("b", p.at(), "👍", false); err != nil || !again.Unchanged || again.ChangeOfAct != first.ChangeOfAct {
		t.Errorf("again %+v, %v", again, err)
	}
	if never, err := s.reactWait("a", p.at(), "no", true); err != nil || !never.Unchanged {
		t.Errorf("withdrawn what was not there: %+v, %v", never, err)
	}
	for _, r := range []string{"❤", "👍"} {
		if _, err := s.reactWait("a", p.at(), r, false); err != nil {
			t.Fatal(err)
		}
	}
	check := func(account, want string) {
		t.Helper()
		page, _, err := s.History(t.Context(), account, p.Conversation, 0, 0, 1)
		if err != nil || fmt.Sprint(page[0].Tallies) != want {
			t.Errorf("%s sees %v, %v, want %s", account, page[0].Tallies, err, want)
		}
	}
	check("b", "[{👍 2 true} {❤ 1 false}]")
	if back, err := s.reactWait("b", p.at(), "👍", true); err != nil || back.Unchanged || !back.Withdrawn || fmt.Sprint(back.Tallies) != "[{❤ 1 false} {👍 1 false}]" {
		t.Errorf("withdrawn %+v, %v", back, err)
	}
	check("b", "[{❤ 1 false} {👍 1 false}]")
	for i := range maxReactions {
		if _, err := s.reactWait("b", p.at(), fmt.Sprint(i), false); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.reactWait("b", p.at(), "more", false); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too many: %v", err)
	}
	all, more, err := s.Reactions(t.Context(), "a", p.at(), "a")
	if err != nil || more || len(all) != maxReactions || all[0].Account != "b" {
		t.Errorf("listed %d, %v, %v", len(all), more, err)
	}
}

func TestReplies(t *testing.T) {
	s := openNew(t, "a", "b", "c")
	p, elsewhere := send(t, s, "a", "b", "x"), send(t, s, "a", "c", "y")
	reply := func(author string, to Target, at Place) error {
		_, err := s.postWait(Draft{Author: author, To: []Target{to}, Kind: KindText, Text: "re", Reply: at})
		return err
	}
	for name, err := range map[string]error{
		"elsewhere":           reply("a", Target{Account: "b"}, elsewhere.at()),
		"to another's":        reply("b", Target{Account: "a"}, elsewhere.at()),
		"to nothing":          reply("b", Target{Account: "a"}, Place{p.Conversation, 9}),
		"where nothing is":    reply("b", Target{Account: "c"}, p.at()),
		"a stranger's attack": reply("c", Target{Conversation: p.Conversation}, p.at()),
	} {
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := reply("b", Target{Account: "a"}, p.at()); err != nil {
		t.Fatal(err)
	}
	page, _, err := s.History(t.Context(), "a", p.Conversation, 0, 0, 1)
	if err != nil || ReadAlong(page[0].Carry).Reply != p.Seq {
		t.Errorf("%s, %v", page[0].Carry, err)
	}
}

func TestMentions(t *testing.T) {
	s, g := garden(t)
	say := func(author string, mentions ...string) Posted {
		t.Helper()
		return post1(t, s, Draft{Author: author, To: []Target{{Group: g.ID}}, Kind: KindText, Text: "hello", Mentions: mentions})
	}
	counts := func(want string) {
		t.Helper()
		got := ""
		for _, account := range []string{"a", "b", "c"} {
			list, err := s.Conversations(t.Context(), account, 0, 1)
			if err != nil {
				t.Fatal(err)
			}
			got += fmt.Sprintf("%s %d/%d ", account, list[0].Mentioned, list[0].Unread)
		}
		if got != want {
			t.Errorf("mentioned/unread: %s, want %s", got, want)
		}
	}
	read := func(account string, seq int64) {
		t.Helper()
		if _, err := s.markWait(account, g.Conversation, seq); err != nil {
			t.Fatal(err)
		}
	}
	read("a", 99)
	read("b", 99)
	p := say("c", "a", "eve", "c")
	if got := ReadAlong(p.Carry).Mentions; !reflect.DeepEqual(got, []string{"a", "c"}) {
		t.Errorf("kept %v", got)
	}
	counts("a 1/1 b 0/1 c 0/0 ")
	say("c", Everybody)
	counts("a 2/2 b 1/2 c 0/0 ")
	if _, err := s.editWait(Edit{By: "c", Place: p.at(), Text: "hello b", Mentions: []string{"b"}}); err != nil {
		t.Fatal(err)
	}
	counts("a 1/2 b 2/2 c 0/0 ")
	read("a", p.Seq)
	counts("a 1/1 b 2/2 c 0/0 ")
}

// In groups above 50 only admins mention all.
func TestWhoMentionsAll(t *testing.T) {
	var people []string
	for i := range smallGroup + 1 {
		people = append(people, fmt.Sprint("p", i))
	}
	s := openNew(t, people...)
	g, _, err := s.groupWait(Group{Name: "many", Founder: "p0"}, people[1:]...)
	if err != nil {
		t.Fatal(err)
	}
	for author, want := range map[string]int{"p0": smallGroup, "p1": 0} {
		p := post1(t, s, Draft{Author: author, To: []Target{{Group: g.ID}}, Kind: KindText, Text: "x", Mentions: []string{Everybody}})
		if n := count(t, s.readDB, "SELECT COUNT(*) FROM mentions WHERE seq = ?", p.Seq); n != want {
			t.Errorf("%s mentions %d, want %d", author, n, want)
		}
	}
}

// An edit moves a message's change, but a plain device is not told it as another text, nor does it miss the text.
func TestUndeliveredWhatWasEdited(t *testing.T) {
	s := openNew(t, "a", "b")
	had, first, gone := send(t, s, "b", "a", "had"), send(t, s, "b", "a", "first"), send(t, s, "b", "a", "gone")
	s.Delivered("a", "", had.Change)
	last := send(t, s, "b", "a", "last")
	for _, p := range []Posted{had, first} {
		if _, err := s.editWait(Edit{By: "b", Place: p.at(), Text: p.Text + " edited"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.deleteWait("b", gone.at(), true); err != nil {
		t.Fatal(err)
	}
	got, err := waiting(t, s, "a", "")
	if err != nil || fmt.Sprint(texts(got)) != "[2 first edited 4 last]" || got[0].Change != first.Change || got[1].Change != last.Change {
		t.Errorf("%v, %v", texts(got), err)
	}
	if got, err := s.Undelivered(t.Context(), "a", first.Change, 10); err != nil || fmt.Sprint(texts(got)) != "[4 last]" {
		t.Errorf("after the first: %v, %v", texts(got), err)
	}
}

// Who takes nothing from somebody is not told edits and reactions either, but what was said can be taken back.
func TestBlockedPeopleTellNothing(t *testing.T) {
	s := openNew(t, "a", "b")
	p := send(t, s, "b", "a", "x")
	if _, err := wait(func(done func(BlockEvent, error)) { s.Block("a", "b", done) }); err != nil {
		t.Fatal(err)
	}
	if _, err := s.editWait(Edit{By: "b", Place: p.at(), Text: "y"}); !errors.Is(err, ErrRefused) {
		t.Errorf("edit: %v", err)
	}
	if _, err := s.reactWait("b", p.at(), "x", false); !errors.Is(err, ErrRefused) {
		t.Errorf("react: %v", err)
	}
	if _, err := s.deleteWait("b", p.at(), true); err != nil {
		t.Errorf("delete: %v", err)
	}
}
