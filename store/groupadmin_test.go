package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func newGroup(t testing.TB, s *Store, founder string, members ...string) Group {
	t.Helper()
	g, _, err := s.groupWait(Group{Name: "g", Founder: founder}, members...)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func carries(posted []Posted) string {
	var all []string
	for _, p := range posted {
		all = append(all, p.Author+" "+string(p.Carry)+" to "+strings.Join(p.Recipients, ","))
	}
	return strings.Join(all, "\n")
}

func TestPermissions(t *testing.T) {
	s := openNew(t, "creator", "admin", "admin2", "member", "member2", "stranger")
	g := newGroup(t, s, "creator", "admin", "admin2", "member", "member2")
	if _, err := s.permitWait("creator", g.ID, Admin, "admin", "admin2"); err != nil {
		t.Fatal(err)
	}
	name := "renamed"
	acts := map[string]func(by string) error{
		"describe":       func(by string) error { return second(s.describeWait(by, g.ID, Description{Name: &name})) },
		"remove member":  func(by string) error { return second(s.removeWait(by, g.ID, "member2")) },
		"remove admin":   func(by string) error { return second(s.removeWait(by, g.ID, "admin2")) },
		"remove creator": func(by string) error { return second(s.removeWait(by, g.ID, "creator")) },
		"remove absent":  func(by string) error { return second(s.removeWait(by, g.ID, "stranger")) },
		"permit":         func(by string) error { return second(s.permitWait(by, g.ID, Admin, "member2")) },
		"permit creator": func(by string) error { return second(s.permitWait(by, g.ID, Plain, "creator")) },
		"hand to two":    func(by string) error { return second(s.permitWait(by, g.ID, Creator, "admin", "admin2")) },
		"hand to absent": func(by string) error { return second(s.permitWait(by, g.ID, Creator, "stranger")) },
		"dissolve":       func(by string) error { return second(s.dissolveWait(by, g.ID)) },
	}
	for _, c := range []struct {
		by, act string
		want    error
	}{
		{"stranger", "describe", ErrNotFound}, {"stranger", "remove member", ErrNotFound}, {"stranger", "permit", ErrNotFound},
		{"stranger", "dissolve", ErrNotFound}, {"nobody", "dissolve", ErrNotFound},
		{"member", "describe", ErrPermissions}, {"member", "remove member", ErrPermissions}, {"member", "remove absent", ErrPermissions},
		{"member", "permit", ErrPermissions}, {"member", "dissolve", ErrPermissions},
		{"admin", "remove admin", ErrPermissions}, {"admin", "remove creator", ErrPermissions}, {"admin", "remove absent", ErrNotFound},
		{"admin", "permit", ErrPermissions}, {"admin", "dissolve", ErrPermissions}, {"admin", "hand to absent", ErrPermissions},
		{"creator", "remove creator", ErrPermissions}, {"creator", "permit creator", ErrPermissions},
		{"creator", "hand to two", ErrPermissions}, {"creator", "hand to absent", ErrNotFound},
	} {
		if err := acts[c.act](c.by); !errors.Is(err, c.want) {
			t.Errorf("%s by %s: %v, want %v", c.act, c.by, err, c.want)
		}
	}
	if got := len(history(t, s, "creator", g.Conversation)); got != 2 {
		t.Errorf("a refusal left a trace: %d messages", got)
	}
	for _, c := range []struct{ by, act string }{{"admin", "describe"}, {"admin", "remove member"}, {"creator", "remove admin"}, {"creator", "dissolve"}} {
		if err := acts[c.act](c.by); err != nil {
			t.Errorf("%s by %s: %v", c.act, c.by, err)
		}
	}
}

func TestSetPermissions(t *testing.T) {
	s := openNew(t, "a", "b", "c")
	g := newGroup(t, s, "a", "b", "c")
	for _, c := range []struct {
		by, permissions string
		accounts        []string
		record, members string
	}{
		{"a", Admin, []string{"c", "b"}, `a {"event":"permissions","friends":["b","c"],"permissions":"admin"} to a,b,c`, "a=creator b=admin c=admin"},
		{"a", Admin, []string{"b"}, "", "a=creator b=admin c=admin"},
		{"a", Plain, []string{"b", "c"}, `a {"event":"permissions","friends":["b","c"],"permissions":"member"} to a,b,c`, "a=creator b=member c=member"},
		{"a", Creator, []string{"a"}, "", "a=creator b=member c=member"},
		{"a", Creator, []string{"b"}, `a {"event":"permissions","friends":["b"],"permissions":"creator"} to a,b,c`, "a=admin b=creator c=member"},
	} {
		posted, err := s.permitWait(c.by, g.ID, c.permissions, c.accounts...)
		if err != nil || carries(posted) != c.record || members(t, s, "a", g.ID) != c.members {
			t.Errorf("%v to %s: %v, %s, %s", c.accounts, c.permissions, err, carries(posted), members(t, s, "a", g.ID))
		}
	}
}

func TestHandOverWhenTheCreatorLeaves(t *testing.T) {
	s := openNew(t, "a", "b", "c", "d")
	g := newGroup(t, s, "a")
	for _, late := range []string{"d", "c", "b"} { // in the order they came
		if _, err := s.inviteWait("a", g.ID, late); err != nil {
			t.Fatal(err)
		}
		if err := <-enqueueCall(s, func(b *batch) error { // a clock that stands still would make them equally old
			_, err := b.w.conn.ExecContext(b.ctx, "UPDATE group_members SET join_time = join_time - 1000")
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.permitWait("a", g.ID, Admin, "b"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ leaves, says, left, seenBy string }{
		{"a", `a {"event":"permissions","friends":["b"],"permissions":"creator"} to a,b,c,d` + "\n" + `a {"event":"left","friends":["a"]} to a,b,c,d`, "b=creator c=member d=member", "b"},
		{"b", `b {"event":"permissions","friends":["d"],"permissions":"creator"} to b,c,d` + "\n" + `b {"event":"left","friends":["b"]} to b,c,d`, "c=member d=creator", "c"},
		{"c", `c {"event":"left","friends":["c"]} to c,d`, "d=creator", "d"},
	} {
		posted, err := s.leaveWait(c.leaves, g.ID)
		if err != nil || carries(posted) != c.says || members(t, s, c.seenBy, g.ID) != c.left {
			t.Errorf("%s leaves: %v\n%s\n%s", c.leaves, err, carries(posted), members(t, s, c.seenBy, g.ID))
		}
	}
	if _, err := s.leaveWait("d", g.ID); err != nil {
		t.Fatal(err)
	}
	if n := count(t, s.readDB, "SELECT dissolved FROM chat_groups WHERE group_id = ?", g.ID); n != 1 {
		t.Error("the last one left, and the group is not dissolved")
	}
}

// What a removed member still sees, and what not, and that its devices learn of it.
func TestRemoved(t *testing.T) {
	s := openNew(t, "a", "b", "c")
	g := newGroup(t, s, "a", "b", "c")
	putFiles(t, s, "a", "later.png")
	record, err := s.removeWait("a", g.ID, "c", "b")
	if err != nil || carries(record) != `a {"event":"removed","friends":["b","c"]} to a,b,c` {
		t.Fatalf("%s, %v", carries(record), err)
	}
	post1(t, s, Draft{Author: "a", To: []Target{{Group: g.ID}}, Kind: "text", Text: "after", Files: []string{"later.png"}})
	if got := fmt.Sprint(history(t, s, "b", g.Conversation)); got != `[1 {"event":"created","friends":["b","c"]} 2 {"event":"removed","friends":["b","c"]}]` {
		t.Errorf("history %s", got)
	}
	for name, err := range map[string]error{
		"file":  second(s.ReadableFile(t.Context(), "b", "later.png")),
		"group": second(s.Group(t.Context(), "b", g.ID)),
		"text":  second(s.postWait(Draft{Author: "b", To: []Target{{Group: g.ID}}})),
		"again": second(s.removeWait("a", g.ID, "b")),
	} {
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("%s after the removal: %v", name, err)
		}
	}
	for account, want := range map[string]int{"a": 0, "b": 1, "c": 1} {
		n := count(t, s.readDB, "SELECT COUNT(*) FROM account_changes WHERE user_account = ? AND kind = 'member' AND carry = ? AND change_no > ?",
			account, `{"group_id":"`+g.ID+`","type":"DELETE"}`, record[0].Change)
		if n != want {
			t.Errorf("%s has %d notes of the lost group, want %d", account, n, want)
		}
	}
	if p := post1(t, s, Draft{Author: "a", To: []Target{{Group: g.ID}}, Kind: "text", Text: "x"}); fmt.Sprint(p.Recipients) != "[a]" {
		t.Errorf("recipients %v", p.Recipients)
	}
}

func TestDissolve(t *testing.T) {
	s := openNew(t, "a", "b")
	g := newGroup(t, s, "a", "b")
	record, err := s.dissolveWait("a", g.ID)
	if err != nil || carries(record) != `a {"event":"dissolved","friends":[]} to a,b` {
		t.Fatalf("%s, %v", carries(record), err)
	}
	for _, account := range []string{"a", "b"} {
		if got := fmt.Sprint(history(t, s, account, g.Conversation)); got != `[1 {"event":"created","friends":["b"]} 2 {"event":"dissolved","friends":[]}]` {
			t.Errorf("%s reads %s", account, got)
		}
		for name, err := range map[string]error{
			"group":    second(s.Group(t.Context(), account, g.ID)),
			"text":     second(s.postWait(Draft{Author: account, To: []Target{{Conversation: g.Conversation}}})),
			"invite":   second(s.inviteWait(account, g.ID, "b")),
			"leave":    second(s.leaveWait(account, g.ID)),
			"dissolve": second(s.dissolveWait(account, g.ID)),
		} {
			if !errors.Is(err, ErrNotFound) {
				t.Errorf("%s by %s in a dissolved group: %v", name, account, err)
			}
		}
		if groups, err := s.Groups(t.Context(), account); err != nil || len(groups) != 0 {
			t.Errorf("groups of %s: %v, %v", account, groups, err)
		}
	}
}

func TestDescribe(t *testing.T) {
	s := openNew(t, "a", "b", "c")
	g := newGroup(t, s, "a", "b")
	putFiles(t, s, "a", "face.png")
	putFiles(t, s, "c", "others.png")
	say := func(v string) *string { return &v }
	if _, err := s.describeWait("a", g.ID, Description{Avatar: say("others.png")}); !errors.Is(err, ErrForbidden) {
		t.Errorf("a file a may not read: %v", err)
	}
	record, err := s.describeWait("a", g.ID, Description{Introduction: say("about"), Avatar: say("face.png"), History: say(HistoryAll)})
	if err != nil || carries(record) != `a {"event":"described","friends":[]} to a,b` {
		t.Fatalf("%s, %v", carries(record), err)
	}
	if again, err := s.describeWait("a", g.ID, Description{Introduction: say("about"), Name: say("g")}); err != nil || len(again) != 0 {
		t.Errorf("what is said already: %v, %v", again, err)
	}
	got, err := s.Group(t.Context(), "b", g.ID)
	if err != nil || got.Name != "g" || got.Introduction != "about" || got.Avatar != "face.png" || got.History != HistoryAll {
		t.Errorf("b sees %+v, %v", got, err)
	}
	if _, err := s.ReadableFile(t.Context(), "b", "face.png"); err != nil {
		t.Errorf("b may not see the avatar: %v", err)
	}
	if _, err := s.ReadableFile(t.Context(), "c", "face.png"); !errors.Is(err, ErrNotFound) {
		t.Errorf("a stranger and the avatar: %v", err)
	}
	post1(t, s, Draft{Author: "b", To: []Target{{Account: "b"}}, Kind: "text", Text: "x", Files: []string{"face.png"}})
}

// Who is invited under HistoryAll sees everything, also what was said while away, and has nothing unread.
func TestHistoryAll(t *testing.T) {
	s := openNew(t, "a", "b", "c")
	g, _, err := s.groupWait(Group{Name: "g", Founder: "a", History: HistoryAll}, "b")
	if err != nil || g.History != HistoryAll {
		t.Fatalf("%+v, %v", g, err)
	}
	if _, err := s.leaveWait("b", g.ID); err != nil {
		t.Fatal(err)
	}
	post1(t, s, Draft{Author: "a", To: []Target{{Group: g.ID}}, Kind: "text", Text: "alone"})
	if _, err := s.inviteWait("a", g.ID, "b", "c"); err != nil {
		t.Fatal(err)
	}
	for _, account := range []string{"b", "c"} {
		if got := len(history(t, s, account, g.Conversation)); got != 4 {
			t.Errorf("%s reads %d messages, want 4", account, got)
		}
		list, err := s.Conversations(t.Context(), account, 0, 10)
		if err != nil || len(list) != 1 || list[0].ReadSeq != 3 || list[0].LastSeq != 4 {
			t.Errorf("conversations of %s: %+v, %v", account, list, err)
		}
	}
	if _, err := s.removeWait("a", g.ID, "b"); err != nil {
		t.Fatal(err)
	}
	post1(t, s, Draft{Author: "a", To: []Target{{Group: g.ID}}, Kind: "text", Text: "after"})
	if got := len(history(t, s, "b", g.Conversation)); got != 5 {
		t.Errorf("removed, b reads %d messages, want 5", got)
	}
}

// Whatever people do at the same time: a group that has members has exactly one creator,
// members and memberships agree, and who is out is in no list.
func TestGroupsStayWhole(t *testing.T) {
	people := []string{"a", "b", "c", "d", "e", "f"}
	s := openNew(t, people...)
	g := newGroup(t, s, "a", "b", "c", "d")
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(worker), 7))
			for range 60 {
				if err := s.randomAct(random, g.ID, people); err != nil && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrPermissions) {
					t.Error(err)
				}
				checkGroup(t, s, g)
			}
		})
	}
	wg.Wait()
	for _, account := range people {
		if _, _, err := s.History(t.Context(), account, g.Conversation, 0, 0, 10); err != nil && !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
	}
}

func (s *Store) randomAct(random *rand.Rand, group string, people []string) error {
	by, whom := people[random.IntN(len(people))], people[random.IntN(len(people))]
	switch n := random.IntN(100); {
	case n < 35:
		return second(s.inviteWait(by, group, whom, people[random.IntN(len(people))]))
	case n < 50:
		return second(s.leaveWait(by, group))
	case n < 65:
		return second(s.removeWait(by, group, whom))
	case n < 80:
		return second(s.permitWait(by, group, Creator, whom))
	case n < 90:
		return second(s.permitWait(by, group, Admin, whom))
	case n < 99:
		return second(s.postWait(Draft{Author: by, To: []Target{{Group: group}}, Kind: "text", Text: "x"}))
	}
	return second(s.dissolveWait(by, group))
}

// checkGroup looks at one moment of the database.
func checkGroup(t *testing.T, s *Store, g Group) {
	t.Helper()
	var members, creators, present, dissolved int
	err := s.readDB.QueryRowContext(t.Context(), `SELECT
		(SELECT COUNT(*) FROM group_members WHERE group_id = g.group_id),
		(SELECT COUNT(*) FROM group_members WHERE group_id = g.group_id AND permissions = 'creator'),
		(SELECT COUNT(*) FROM memberships v JOIN group_members m ON m.user_account = v.user_account AND m.group_id = g.group_id
			WHERE v.conversation = ? AND v.until_seq = ?),
		g.dissolved FROM chat_groups g WHERE g.group_id = ?`, g.Conversation, stillHere, g.ID).Scan(&members, &creators, &present, &dissolved)
	if err != nil {
		t.Error(err)
	}
	if creators != min(members, 1) || present != members || dissolved == 1 != (members == 0) {
		t.Errorf("%d members, %d creators, %d present, dissolved %d", members, creators, present, dissolved)
	}
}

// The largest group: made, talked in, listed, thinned out and dissolved.
func TestFiveThousandMembers(t *testing.T) {
	s := openNew(t, "creator")
	accounts := make([]string, maxMembers)
	for i := range accounts {
		accounts[i] = fmt.Sprintf("m%04d", i)
	}
	for part := range slices.Chunk(accounts, 1000) {
		if err := <-enqueueCall(s, func(b *batch) error {
			_, err := b.w.conn.ExecContext(b.ctx, "INSERT INTO users (user_account, password_hash, registration_time) VALUES ('"+
				strings.Join(part, "', '', 1), ('")+"', '', 1)")
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	took := func(what string, start time.Time) { t.Logf("%s: %v", what, time.Since(start)) }
	start := time.Now()
	g := newGroup(t, s, "creator", accounts[:3000]...)
	took("create with 3,000", start)
	start = time.Now()
	if _, err := s.inviteWait("m0007", g.ID, accounts[3000:maxMembers-1]...); err != nil {
		t.Fatal(err)
	}
	took("invite 1,999", start)
	if _, err := s.inviteWait("creator", g.ID, accounts[maxMembers-1]); !errors.Is(err, ErrTooLarge) {
		t.Errorf("one more: %v", err)
	}
	start = time.Now()
	for range 100 {
		if p := post1(t, s, Draft{Author: "m4000", To: []Target{{Group: g.ID}}, Kind: "text", Text: "hello"}); len(p.Recipients) != maxMembers {
			t.Fatalf("%d recipients", len(p.Recipients))
		}
	}
	took("100 texts", start)
	start = time.Now()
	listed := 0
	for after := ""; ; {
		page, err := s.Members(t.Context(), "m0001", g.ID, after, 500)
		if err != nil {
			t.Fatal(err)
		}
		if listed += len(page); len(page) < 500 {
			break
		}
		after = page[len(page)-1].Account
	}
	took("list", start)
	if listed != maxMembers {
		t.Errorf("%d listed", listed)
	}
	start = time.Now()
	if _, err := s.removeWait("creator", g.ID, accounts[:1000]...); err != nil {
		t.Fatal(err)
	}
	took("remove 1,000", start)
	start = time.Now()
	record, err := s.dissolveWait("creator", g.ID)
	if err != nil || len(record[0].Recipients) != maxMembers-1000 {
		t.Fatalf("%d told, %v", len(record[0].Recipients), err)
	}
	took("dissolve", start)
	for query, want := range map[string]int{
		"SELECT COUNT(*) FROM group_members":                          0,
		"SELECT COUNT(*) FROM account_changes WHERE kind = 'member'":  maxMembers,
		"SELECT COUNT(*) FROM memberships WHERE until_seq > 99999999": 0,
	} {
		if got := count(t, s.readDB, query); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
}
