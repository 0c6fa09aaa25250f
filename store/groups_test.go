package store

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

func members(t *testing.T, s *Store, account, group string) string {
	t.Helper()
	var all []string
	for after := ""; ; {
		page, err := s.Members(t.Context(), account, group, after, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			return strings.Join(all, " ")
		}
		for _, m := range page {
			all = append(all, m.Account+"="+m.Permissions)
			after = m.Account
		}
	}
}

func TestCreateGroup(t *testing.T) {
	s := openNew(t, "a", "b", "c")
	g, record, err := s.groupWait(Group{Name: "名", Introduction: "about", Founder: "b", ID: "ignored", Members: 9}, "c", "a", "b", "a")
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^[a-z2-7]{10}$`).MatchString(g.ID) || g.Name != "名" || g.Introduction != "about" || g.Founder != "b" ||
		g.Members != 3 || g.CreateTime == 0 || g.Conversation == 0 {
		t.Errorf("made %+v", g)
	}
	if len(record) != 1 || record[0].Kind != "member_record" || record[0].Seq != 1 || record[0].Author != "b" || record[0].Group != g.ID ||
		string(record[0].Carry) != `{"event":"created","friends":["a","c"]}` || !reflect.DeepEqual(record[0].Recipients, []string{"a", "b", "c"}) {
		t.Errorf("record %+v", record)
	}
	if g.Permissions != Creator || g.History != HistoryJoin {
		t.Errorf("made %+v", g)
	}
	asMember := g
	asMember.Permissions = Plain
	for account, g := range map[string]Group{"a": asMember, "b": g, "c": asMember} {
		if got, err := s.Group(t.Context(), account, g.ID); err != nil || got != g {
			t.Errorf("%s sees %+v, %v", account, got, err)
		}
	}
	if got := members(t, s, "c", g.ID); got != "a=member b=creator c=member" {
		t.Errorf("members %s", got)
	}
	alone, record, err := s.groupWait(Group{Name: "alone", Founder: "a"})
	if err != nil || alone.Members != 1 || string(record[0].Carry) != `{"event":"created","friends":[]}` {
		t.Errorf("%+v, %v", alone, err)
	}
	if groups, err := s.Groups(t.Context(), "a"); err != nil || len(groups) != 2 {
		t.Errorf("groups of a: %+v, %v", groups, err)
	}
	if groups, err := s.Groups(t.Context(), "c"); err != nil || len(groups) != 1 || groups[0] != asMember {
		t.Errorf("groups of c: %+v, %v", groups, err)
	}
}

func TestGroupRefusals(t *testing.T) {
	s := openNew(t, "a", "b", "stranger")
	g, _, err := s.groupWait(Group{Name: "g", Founder: "a"}, "b")
	if err != nil {
		t.Fatal(err)
	}
	many := make([]string, maxMembers)
	for i := range many {
		many[i] = fmt.Sprint("n", i)
	}
	for name, c := range map[string]struct {
		do   func() error
		want error
	}{
		"create with unknown": {func() error { _, _, err := s.groupWait(Group{Founder: "a"}, "b", "nobody"); return err }, ErrNotFound},
		"create by unknown":   {func() error { _, _, err := s.groupWait(Group{Founder: "nobody"}, "b"); return err }, ErrNotFound},
		"create too large":    {func() error { _, _, err := s.groupWait(Group{Founder: "a"}, many...); return err }, ErrTooLarge},
		"invite unknown":      {func() error { _, err := s.inviteWait("a", g.ID, "stranger", "nobody"); return err }, ErrNotFound},
		"invite by stranger":  {func() error { _, err := s.inviteWait("stranger", g.ID, "stranger"); return err }, ErrNotFound},
		"invite to nothing":   {func() error { _, err := s.inviteWait("a", "aaaaaaaaaa", "stranger"); return err }, ErrNotFound},
		"stranger leaves":     {func() error { _, err := s.leaveWait("stranger", g.ID); return err }, ErrNotFound},
		"stranger looks":      {func() error { _, err := s.Group(t.Context(), "stranger", g.ID); return err }, ErrNotFound},
		"stranger lists":      {func() error { _, err := s.Members(t.Context(), "stranger", g.ID, "", 9); return err }, ErrNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			if err := c.do(); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if got := members(t, s, "a", g.ID); got != "a=creator b=member" {
				t.Errorf("members now %s", got)
			}
			if n := count(t, s.readDB, "SELECT COUNT(*) FROM messages"); n != 1 {
				t.Errorf("%d messages now", n)
			}
		})
	}
}

func TestManyGroupsAreEnough(t *testing.T) {
	s := openNew(t, "a", "b")
	if err := <-enqueueCall(s, func(b *batch) error {
		for i := range maxGroups {
			g := Group{ID: fmt.Sprintf("g%09d", i), Name: "g", Founder: "b", History: HistoryJoin}
			talk, err := b.insertGroup(g)
			if err != nil {
				return err
			}
			if err := b.join(talk, []string{"a"}, Creator, 0, 0); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.groupWait(Group{Name: "one more", Founder: "a"}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a group of one's own: %v", err)
	}
	g, _, err := s.groupWait(Group{Name: "another's", Founder: "b"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.inviteWait("b", g.ID, "a"); !errors.Is(err, ErrTooLarge) {
		t.Errorf("invited: %v", err)
	}
	if _, err := s.leaveWait("a", "g000000000"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.inviteWait("b", g.ID, "a"); err != nil {
		t.Errorf("after leaving one: %v", err)
	}
}

func TestALargeGroupIsFull(t *testing.T) {
	s := openNew(t, "a", "last", "late")
	accounts := make([]string, maxMembers-2)
	if err := <-enqueueCall(s, func(b *batch) error {
		for i := range accounts {
			accounts[i] = fmt.Sprint("n", i)
			if _, err := b.exec(wNewUser, accounts[i], "", "", "", "", "", "", 0, false, false); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	g, _, err := s.groupWait(Group{Name: "large", Founder: "a"}, accounts...)
	if err != nil || g.Members != maxMembers-1 {
		t.Fatal(g.Members, err)
	}
	if _, err := s.inviteWait("a", g.ID, "last", "late"); !errors.Is(err, ErrTooLarge) {
		t.Errorf("two too many: %v", err)
	}
	if p, err := s.inviteWait("a", g.ID, "last"); err != nil || len(p[0].Recipients) != maxMembers {
		t.Errorf("the last one: %v", err)
	}
}

func TestInvite(t *testing.T) {
	s := openNew(t, "a", "b", "c")
	g, created, err := s.groupWait(Group{Name: "g", Founder: "a"})
	if err != nil {
		t.Fatal(err)
	}
	post1(t, s, Draft{Author: "a", To: []Target{{Group: g.ID}}, Kind: "text", Text: "alone"})
	record, err := s.inviteWait("a", g.ID, "b", "a", "b")
	if err != nil || len(record) != 1 || string(record[0].Carry) != `{"event":"invited","friends":["b"]}` || record[0].Seq != 3 ||
		!reflect.DeepEqual(record[0].Recipients, []string{"a", "b"}) {
		t.Fatalf("%+v, %v", record, err)
	}
	if !reflect.DeepEqual(created[0].Recipients, []string{"a"}) {
		t.Errorf("an older list was changed: %v", created[0].Recipients)
	}
	if again, err := s.inviteWait("b", g.ID, "a", "b"); err != nil || len(again) != 0 {
		t.Errorf("all there already: %+v, %v", again, err)
	}
	if _, err := s.inviteWait("b", g.ID, "c"); err != nil {
		t.Errorf("any member may invite: %v", err)
	}
	if got := fmt.Sprint(history(t, s, "b", g.Conversation)); got != `[3 {"event":"invited","friends":["b"]} 4 {"event":"invited","friends":["c"]}]` {
		t.Errorf("b reads from the invitation on: %s", got)
	}
	if got := len(history(t, s, "a", g.Conversation)); got != 4 {
		t.Errorf("a reads %d messages", got)
	}
}

// What a member who left can still see, and what not.
func TestLeaveGroup(t *testing.T) {
	s := openNew(t, "a", "b")
	ctx := t.Context()
	g, _, err := s.groupWait(Group{Name: "g", Founder: "a"}, "b")
	if err != nil {
		t.Fatal(err)
	}
	putFiles(t, s, "a", "before.png", "after.png")
	text := func(text string, files ...string) {
		post1(t, s, Draft{Author: "a", To: []Target{{Group: g.ID}}, Kind: "text", Text: text, Files: files})
	}
	text("before", "before.png")
	record, err := s.leaveWait("b", g.ID)
	if err != nil || string(record[0].Carry) != `{"event":"left","friends":["b"]}` || !reflect.DeepEqual(record[0].Recipients, []string{"a", "b"}) {
		t.Fatalf("%+v, %v", record, err)
	}
	text("after", "after.png")

	seen := `[1 {"event":"created","friends":["b"]} 2 before 3 {"event":"left","friends":["b"]}]`
	if got := fmt.Sprint(history(t, s, "b", g.Conversation)); got != seen {
		t.Errorf("history %s", got)
	}
	if got, _, err := s.History(ctx, "b", g.Conversation, 0, 3, 10); err != nil || len(got) != 0 {
		t.Errorf("after the leaving: %v, %v", texts(got), err)
	}
	if got, err := waiting(t, s, "b", ""); err != nil || fmt.Sprint(texts(got)) != `[1 {"event":"created","friends":["b"]} 2 before]` {
		t.Errorf("undelivered %v, %v", texts(got), err)
	}
	list, err := s.Conversations(ctx, "b", 0, 10)
	if err != nil || len(list) != 1 || list[0].LastSeq != 3 || list[0].Last.Seq != 3 || list[0].Change != record[0].Change || list[0].GroupName != "g" {
		t.Errorf("conversations %+v, %v", list, err)
	}
	if read, err := s.markWait("b", g.Conversation, 99); err != nil || read != 3 {
		t.Errorf("read up to %d, %v", read, err)
	}
	if _, err := s.ReadableFile(ctx, "b", "before.png"); err != nil {
		t.Errorf("a file from before: %v", err)
	}
	for name, err := range map[string]error{
		"file":    second(s.ReadableFile(ctx, "b", "after.png")),
		"group":   second(s.Group(ctx, "b", g.ID)),
		"members": second(s.Members(ctx, "b", g.ID, "", 10)),
		"text":    second(s.postWait(Draft{Author: "b", To: []Target{{Conversation: g.Conversation}}})),
		"invite":  second(s.inviteWait("b", g.ID, "b")),
		"leave":   second(s.leaveWait("b", g.ID)),
	} {
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("%s after leaving: %v", name, err)
		}
	}
	if _, _, _, err := s.Reach(ctx, "b", Target{Conversation: g.Conversation}); !errors.Is(err, ErrNotFound) {
		t.Errorf("reach: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestComingBack(t *testing.T) {
	s := openNew(t, "a", "b")
	ctx := t.Context()
	g, _, err := s.groupWait(Group{Name: "g", Founder: "a"}, "b")
	if err != nil {
		t.Fatal(err)
	}
	putFiles(t, s, "a", "secret.png")
	text := func(text string, files ...string) {
		post1(t, s, Draft{Author: "a", To: []Target{{Group: g.ID}}, Kind: "text", Text: text, Files: files})
	}
	text("before") // 2
	if _, err := s.leaveWait("b", g.ID); err != nil {
		t.Fatal(err)
	}
	text("without b", "secret.png") // 4
	if _, err := s.inviteWait("a", g.ID, "b"); err != nil {
		t.Fatal(err)
	}
	text("after") // 6

	seqs := func(beforeSeq, afterSeq int64, limit int) (string, bool) {
		page, more, err := s.History(ctx, "b", g.Conversation, beforeSeq, afterSeq, limit)
		if err != nil {
			t.Fatal(err)
		}
		var all []int64
		for _, m := range page {
			all = append(all, m.Seq)
		}
		return fmt.Sprint(all), more
	}
	for _, c := range []struct {
		before, after int64
		limit         int
		want          string
		more          bool
	}{
		{0, 0, 10, "[1 2 3 5 6]", false},
		{0, 0, 2, "[5 6]", true},
		{0, 0, 3, "[3 5 6]", true},
		{5, 0, 2, "[2 3]", true},
		{5, 0, 3, "[1 2 3]", false},
		{0, 2, 2, "[3 5]", true},
		{0, -1, 4, "[1 2 3 5]", true},
		{6, 1, 10, "[2 3 5]", false},
		{0, 6, 10, "[]", false},
		{1, 0, 10, "[]", false},
		{0, 0, 0, "[6]", true},
	} {
		if got, more := seqs(c.before, c.after, c.limit); got != c.want || more != c.more {
			t.Errorf("before %d, after %d, limit %d: %s %v, want %s %v", c.before, c.after, c.limit, got, more, c.want, c.more)
		}
	}
	if _, err := s.ReadableFile(ctx, "b", "secret.png"); !errors.Is(err, ErrNotFound) {
		t.Errorf("a file from the time away: %v", err)
	}
	list, err := s.Conversations(ctx, "b", 0, 10)
	if err != nil || len(list) != 1 || list[0].LastSeq != 6 || list[0].ReadSeq != 4 {
		t.Errorf("conversations %+v, %v", list, err)
	}
	if read, err := s.markWait("b", g.Conversation, 6); err != nil || read != 6 {
		t.Errorf("read up to %d, %v", read, err)
	}
}

func TestReach(t *testing.T) {
	s := openNew(t, "a", "b", "c")
	g, _, err := s.groupWait(Group{Name: "g", Founder: "a"}, "b")
	if err != nil {
		t.Fatal(err)
	}
	pair := send(t, s, "b", "a", "x").Conversation
	for _, c := range []struct {
		name    string
		account string
		to      Target
		want    string
	}{
		{"pair", "a", Target{Account: "b"}, fmt.Sprint(pair, "  [a b]")},
		{"pair that never talked", "c", Target{Account: "b"}, "0  [b c]"},
		{"oneself", "c", Target{Account: "c"}, "0  [c]"},
		{"group", "b", Target{Group: g.ID}, fmt.Sprint(g.Conversation, " ", g.ID, " [a b]")},
		{"group by conversation", "b", Target{Conversation: g.Conversation}, fmt.Sprint(g.Conversation, " ", g.ID, " [a b]")},
		{"pair by conversation", "b", Target{Conversation: pair}, fmt.Sprint(pair, "  [a b]")},
		{"unknown account", "a", Target{Account: "nobody"}, "not found"},
		{"unknown group", "a", Target{Group: "nothing"}, "not found"},
		{"another's group", "c", Target{Group: g.ID}, "not found"},
		{"another's conversation", "c", Target{Conversation: pair}, "not found"},
		{"no target", "c", Target{}, "not found"},
	} {
		conversation, group, members, err := s.Reach(t.Context(), c.account, c.to)
		got := fmt.Sprint(conversation, " ", group, " ", members)
		if errors.Is(err, ErrNotFound) {
			got = "not found"
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s (%v)", c.name, got, c.want, err)
		}
	}
}

// The writer's memory is filled anew from the database after a rollback.
func TestGroupsWithoutTheCache(t *testing.T) {
	s := openNew(t, "a", "b", "c")
	g, _, err := s.groupWait(Group{Name: "g", Founder: "a"}, "b", "c")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.leaveWait("c", g.ID); err != nil {
		t.Fatal(err)
	}
	if err := <-enqueueCall(s, func(*batch) error { return errors.New("a failure") }); !errors.Is(err, ErrUnavailable) {
		t.Fatal(err)
	}
	p := post1(t, s, Draft{Author: "b", To: []Target{{Conversation: g.Conversation}}, Kind: "text", Text: "x"})
	if !reflect.DeepEqual(p.Recipients, []string{"a", "b"}) || p.Group != g.ID {
		t.Errorf("got %+v", p)
	}
	if err := <-enqueueCall(s, func(b *batch) error { b.w.cache.size = cacheLimit + 1; return nil }); err != nil {
		t.Fatal(err)
	}
	record, err := s.leaveWait("b", g.ID)
	if err != nil || record[0].Seq != 4 || s.writer.cache.size > 100 {
		t.Errorf("%+v, %v", record, err)
	}
}
