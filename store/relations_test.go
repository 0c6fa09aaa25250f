package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func (s *Store) ask(account, friend, text string) (FriendEvent, error) {
	return wait(func(done func(FriendEvent, error)) { s.AskFriend(account, friend, text, done) })
}

func (s *Store) answer(account, friend string, yes bool) (FriendEvent, error) {
	return wait(func(done func(FriendEvent, error)) { s.AnswerFriend(account, friend, yes, done) })
}

func (s *Store) end(account, friend string) (FriendEvent, error) {
	return wait(func(done func(FriendEvent, error)) { s.EndFriend(account, friend, done) })
}

func (s *Store) block(account, friend string) (BlockEvent, error) {
	return wait(func(done func(BlockEvent, error)) { s.Block(account, friend, done) })
}

func (s *Store) unblock(account, friend string) (BlockEvent, error) {
	return wait(func(done func(BlockEvent, error)) { s.Unblock(account, friend, done) })
}

func (s *Store) setProfile(account string, set map[string]string) error {
	_, err := wait(func(done func(int64, error)) { s.SetProfile(account, set, done) })
	return err
}

// friendsOf shows account's list, like "b accepted, c asked".
func friendsOf(t *testing.T, s *Store, account string) string {
	t.Helper()
	all, err := s.Friends(t.Context(), account, "", 100)
	if err != nil {
		t.Fatal(err)
	}
	var shown []string
	for _, f := range all {
		shown = append(shown, f.Account+" "+f.State)
	}
	return strings.Join(shown, ", ")
}

// Each step is one act between a and b, and what both lists show then.
func TestFriends(t *testing.T) {
	for _, c := range []struct {
		name  string
		steps []string // who does what, and the error or the event's state
		a, b  string
	}{
		{"asked", []string{"a ask asked"}, "b asked", "a asking"},
		{"asked twice", []string{"a ask asked", "a ask "}, "b asked", "a asking"},
		{"both ask", []string{"a ask asked", "b ask accepted"}, "b accepted", "a accepted"},
		{"accepted", []string{"a ask asked", "b yes accepted"}, "b accepted", "a accepted"},
		{"asked when friends", []string{"a ask asked", "b yes accepted", "b ask "}, "b accepted", "a accepted"},
		{"refused", []string{"a ask asked", "b no refused"}, "", ""},
		{"asked after a refusal", []string{"a ask asked", "b no refused", "a ask asked"}, "b asked", "a asking"},
		{"taken back", []string{"a ask asked", "a end ended"}, "", ""},
		{"ended", []string{"a ask asked", "b yes accepted", "b end ended"}, "", ""},
		{"own question answered", []string{"a ask asked", "a yes not found"}, "b asked", "a asking"},
		{"no question", []string{"a yes not found", "a no not found", "a end not found"}, "", ""},
		{"asked by the other, ended", []string{"a ask asked", "b end not found"}, "b asked", "a asking"},
		{"blocked", []string{"b block ", "a ask refused by the other"}, "", ""},
		{"blocked oneself", []string{"a block ", "a ask conflicts"}, "", ""},
		{"a block ends it", []string{"a ask asked", "b yes accepted", "a block ended"}, "", ""},
		{"a block refuses", []string{"a ask asked", "b block refused"}, "", ""},
		{"a block takes back", []string{"a ask asked", "a block ended"}, "", ""},
		{"both block", []string{"a block ", "b block ", "b unblock ", "b ask refused by the other"}, "", ""},
		{"unblocked", []string{"b block ", "b unblock ", "a ask asked"}, "b asked", "a asking"},
		{"no block", []string{"b unblock not found"}, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := openNew(t, "a", "b", "c")
			for _, step := range c.steps {
				friendStep(t, s, step)
			}
			if a, b := friendsOf(t, s, "a"), friendsOf(t, s, "b"); a != c.a || b != c.b {
				t.Errorf("a's list is %q, b's %q; want %q and %q", a, b, c.a, c.b)
			}
			if c := friendsOf(t, s, "c"); c != "" {
				t.Errorf("c's list is %q", c)
			}
		})
	}
}

func friendStep(t *testing.T, s *Store, step string) {
	t.Helper()
	parts := strings.SplitN(step, " ", 3)
	who, other := parts[0], map[string]string{"a": "b", "b": "a"}[parts[0]]
	var e FriendEvent
	var blocked BlockEvent
	var err error
	switch parts[1] {
	case "ask":
		e, err = s.ask(who, other, "it is me")
	case "yes", "no":
		e, err = s.answer(who, other, parts[1] == "yes")
	case "end":
		e, err = s.end(who, other)
	case "block":
		blocked, err = s.block(who, other)
		e = blocked.Ended
	case "unblock":
		blocked, err = s.unblock(who, other)
	}
	if err != nil {
		if parts[2] == "" || !strings.Contains(err.Error(), parts[2]) {
			t.Errorf("%s: %v", step, err)
		}
		return
	}
	if e.State != parts[2] {
		t.Errorf("%s: %+v", step, e)
	}
	if e.State != "" && (e.Change <= e.ByChange || e.ByChange <= blocked.Change) {
		t.Errorf("%s: the changes do not rise: %+v %+v", step, e, blocked)
	}
}

func TestFriendsOfNobody(t *testing.T) {
	s := openNew(t, "a")
	if _, err := s.ask("a", "nobody", ""); !errors.Is(err, ErrNotFound) {
		t.Errorf("ask: %v", err)
	}
	if _, err := s.block("a", "nobody"); !errors.Is(err, ErrNotFound) {
		t.Errorf("block: %v", err)
	}
}

// Every change is noted for everyone it concerns, under a change of its own.
func TestRelationsAreNoted(t *testing.T) {
	s := openNew(t, "a", "b")
	for _, step := range []string{"a ask asked", "a ask ", "b yes accepted", "a block ended", "a unblock "} {
		friendStep(t, s, step)
	}
	if err := s.setProfile("a", map[string]string{"user_name": "Ann", "sex": ""}); err != nil {
		t.Fatal(err)
	}
	notes := func(account string) (all []string) {
		rows, err := s.readDB.QueryContext(t.Context(), "SELECT kind, carry FROM account_changes WHERE user_account = ? ORDER BY change_no", account)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var kind, carry string
			if err := rows.Scan(&kind, &carry); err != nil {
				t.Fatal(err)
			}
			all = append(all, kind+" "+carry)
		}
		return all
	}
	friend := func(by, friend, state, text string) string {
		if text != "" {
			text = `,"text":"` + text + `"`
		}
		return fmt.Sprintf(`friend {"user_account":%q,"friends":%q,"state":%q%s}`, by, friend, state, text)
	}
	asked, accepted, ended := friend("a", "b", "asked", "it is me"), friend("b", "a", "accepted", ""), friend("a", "b", "ended", "")
	want := []string{asked, accepted, `block {"user_account":"a","friends":"b"}`, ended, `block {"user_account":"a","type":"DELETE","friends":"b"}`,
		`profile {"sex":"","user_name":"Ann"}`}
	if got := notes("a"); !slices.Equal(got, want) {
		t.Errorf("noted for a:\n%s", strings.Join(got, "\n"))
	}
	if got := notes("b"); !slices.Equal(got, []string{asked, accepted, ended}) {
		t.Errorf("noted for b:\n%s", strings.Join(got, "\n"))
	}
}

// Who may write to whom, whether they talked before or not, and however the writer knows it.
func TestMayWrite(t *testing.T) {
	block := func(by, whom string) func(*testing.T, *Store) {
		return func(t *testing.T, s *Store) {
			if _, err := s.block(by, whom); err != nil {
				t.Fatal(err)
			}
		}
	}
	friendsOnly := func(t *testing.T, s *Store) {
		if err := s.setProfile("b", map[string]string{"messages_from": "friends"}); err != nil {
			t.Fatal(err)
		}
	}
	befriend := func(t *testing.T, s *Store) { friendStep(t, s, "a ask asked"); friendStep(t, s, "b yes accepted") }
	for _, c := range []struct {
		name   string
		steps  []func(*testing.T, *Store)
		aToB   bool
		bToA   bool
		either bool // Reach, from both sides
	}{
		{"strangers", nil, true, true, true},
		{"b blocked a", []func(*testing.T, *Store){block("b", "a")}, false, true, false},
		{"b takes from friends", []func(*testing.T, *Store){friendsOnly}, false, true, false},
		{"and a is one", []func(*testing.T, *Store){friendsOnly, befriend}, true, true, true},
		{"and a was one", []func(*testing.T, *Store){befriend, friendsOnly, func(t *testing.T, s *Store) { friendStep(t, s, "a end ended") }}, false, true, false},
		{"and blocks her", []func(*testing.T, *Store){befriend, friendsOnly, block("b", "a")}, false, true, false},
		{"no longer blocked", []func(*testing.T, *Store){block("b", "a"), func(t *testing.T, s *Store) { friendStep(t, s, "b unblock ") }}, true, true, true},
		{"another is blocked", []func(*testing.T, *Store){block("b", "c")}, true, true, true},
	} {
		for _, talked := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, talked %v", c.name, talked), func(t *testing.T) {
				s := openNew(t, "a", "b", "c")
				var conversation int64
				if talked {
					conversation = send(t, s, "a", "b", "before").Conversation
				}
				for _, step := range c.steps {
					step(t, s)
				}
				check := func(from string, to Target, may bool) {
					t.Helper()
					_, err := s.postWait(Draft{Author: from, To: []Target{to}, Kind: "text", Text: "x"})
					if may != (err == nil) || err != nil && !errors.Is(err, ErrRefused) {
						t.Errorf("%s to %+v: %v", from, to, err)
					}
				}
				if _, _, _, err := s.Reach(t.Context(), "a", Target{Account: "b"}); c.either != (err == nil) || err != nil && !errors.Is(err, ErrRefused) {
					t.Errorf("reach: %v", err)
				}
				check("a", Target{Account: "b"}, c.aToB)
				check("b", Target{Account: "a"}, c.bToA)
				check("a", Target{Account: "a"}, true)
				if talked {
					check("a", Target{Conversation: conversation}, c.aToB)
					if _, _, _, err := s.Reach(t.Context(), "a", Target{Conversation: conversation}); c.either != (err == nil) {
						t.Errorf("reach by conversation: %v", err)
					}
				}
				s.writer.cache = newCache() // nobody writes at the moment
				check("a", Target{Account: "b"}, c.aToB)
				check("b", Target{Account: "a"}, c.bToA)
			})
		}
	}
}

// What has happened is recorded between two whatever they think of each other by then.
func TestRecordsAreNotRefused(t *testing.T) {
	s := openNew(t, "a", "b")
	if _, err := s.block("b", "a"); err != nil {
		t.Fatal(err)
	}
	record := Draft{Author: "a", To: []Target{{Account: "b"}}, Kind: "call_record", Record: true}
	p := post1(t, s, record)
	record.To[0] = Target{Conversation: p.Conversation}
	if p := post1(t, s, record); p.Seq != 2 {
		t.Errorf("%+v", p)
	}
	record.To[0] = Target{Account: "nobody"}
	if _, err := s.postWait(record); !errors.Is(err, ErrNotFound) {
		t.Errorf("with nobody: %v", err)
	}
}

// A text to several is refused whole if one of them refuses.
func TestMayWriteToAllOrNone(t *testing.T) {
	s := openNew(t, "a", "b", "c")
	if _, err := s.block("c", "a"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.postWait(Draft{Author: "a", To: []Target{{Account: "b"}, {Account: "c"}}, Kind: "text", Text: "x"}); !errors.Is(err, ErrRefused) {
		t.Fatalf("got %v", err)
	}
	if n := count(t, s.readDB, "SELECT COUNT(*) FROM messages"); n != 0 {
		t.Errorf("%d messages", n)
	}
}

func TestAvatarIsReadByEverybody(t *testing.T) {
	s := openNew(t, "a", "b", "c")
	for _, name := range []string{"a_1_x", "a_2_y"} {
		if _, err := s.PutFile(t.Context(), File{Name: name, Owner: "a", Hash: "h", ContentType: "image/png", Size: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.setProfile("b", map[string]string{"avatar": "a_1_x"}); !errors.Is(err, ErrForbidden) {
		t.Errorf("another's file as avatar: %v", err)
	}
	readable := func(name string) bool {
		_, err := s.ReadableFile(t.Context(), "c", name)
		return err == nil
	}
	if readable("a_1_x") {
		t.Error("readable before it is an avatar")
	}
	for _, avatar := range []string{"a_1_x", "a_2_y", ""} {
		if err := s.setProfile("a", map[string]string{"avatar": avatar}); err != nil {
			t.Fatal(err)
		}
		if u, err := s.User(t.Context(), "a"); err != nil || u.Avatar != avatar || u.Name != "name of a" {
			t.Errorf("%+v, %v", u, err)
		}
		for _, name := range []string{"a_1_x", "a_2_y"} {
			if readable(name) != (name == avatar) {
				t.Errorf("avatar %q: %s readable: %v", avatar, name, readable(name))
			}
		}
	}
	cards, err := s.Cards(t.Context(), []string{"c", "nobody", "a"})
	if err != nil || !slices.Equal(cards, []Card{{"c", "name of c", ""}, {"a", "name of a", ""}}) {
		t.Errorf("%+v, %v", cards, err)
	}
}
