package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// at sets the store's clock. Nothing may be under way.
func (s *Store) at(now time.Time) { s.writer.now = func() time.Time { return now } }

func newSession(t *testing.T, s *Store, account, device string) Login {
	t.Helper()
	l, err := s.CreateSession(t.Context(), account, device)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (s *Store) void(token string) bool {
	_, err := s.Session(context.Background(), token)
	return errors.Is(err, ErrNotFound)
}

func TestSessionsExpire(t *testing.T) {
	s := openNew(t, "a")
	begun := time.UnixMilli(1795430000000)
	s.at(begun)
	used, unused := newSession(t, s, "a", "used"), newSession(t, s, "a", "unused")
	lastSeen := func() int64 {
		t.Helper()
		if err := s.Ping(t.Context()); err != nil { // what was noted before is stored
			t.Fatal(err)
		}
		all, err := s.Sessions(t.Context(), "a")
		if err != nil || len(all) == 0 {
			t.Fatalf("%+v, %v", all, err)
		}
		return all[slices.IndexFunc(all, func(x Session) bool { return x.ID == used.ID })].LastSeen
	}
	for _, c := range []struct {
		after time.Duration
		noted time.Duration
	}{{time.Minute, 0}, {sessionTouch, 0}, {sessionTouch + time.Millisecond, sessionTouch + time.Millisecond}, {89 * 24 * time.Hour, 89 * 24 * time.Hour}} {
		s.at(begun.Add(c.after))
		if s.void(used.Token) {
			t.Fatalf("void after %v", c.after)
		}
		if got := lastSeen(); got != begun.Add(c.noted).UnixMilli() {
			t.Errorf("after %v it was last seen at %d", c.after, got)
		}
	}
	s.at(begun.Add(sessionLife))
	if !s.void(unused.Token) || s.void(used.Token) {
		t.Error("after 90 days a session that was not used goes, one that was stays")
	}
	if all, err := s.Sessions(t.Context(), "a"); err != nil || len(all) != 1 || all[0].Device != "used" {
		t.Errorf("%+v, %v", all, err)
	}
	newSession(t, s, "a", "third")
	if n := count(t, s.readDB, "SELECT COUNT(*) FROM sessions"); n != 2 {
		t.Errorf("%d sessions are kept, want 2", n)
	}
}

func TestOldestSessionMakesRoom(t *testing.T) {
	s := openNew(t, "a", "b")
	other := newSession(t, s, "b", "")
	now := time.UnixMilli(1795430000000)
	var all []Login
	for i := range maxSessions + 2 {
		s.at(now.Add(time.Duration(i) * time.Second))
		all = append(all, newSession(t, s, "a", fmt.Sprint(i)))
	}
	for i, l := range all {
		if i < maxSessions && len(l.Ended) > 0 || i >= maxSessions && !slices.Equal(l.Ended, []string{all[i-maxSessions].ID}) {
			t.Errorf("session %d ended %q", i, l.Ended)
		}
		if s.void(l.Token) != (i < 2) {
			t.Errorf("session %d is void: %v", i, s.void(l.Token))
		}
	}
	if s.void(other.Token) {
		t.Error("another account's session ended")
	}
}

func TestChangePassword(t *testing.T) {
	s := openNew(t, "a", "b")
	old, other := newSession(t, s, "a", "phone"), newSession(t, s, "b", "")
	l, err := s.ChangePassword(t.Context(), "a", "another", "phone")
	if err != nil || !s.void(old.Token) || s.void(l.Token) || s.void(other.Token) {
		t.Fatalf("%+v, %v", l, err)
	}
	if _, err := s.CheckPassword(t.Context(), "a", "another"); err != nil {
		t.Error(err)
	}
	if found, err := s.SessionByID(t.Context(), l.ID); err != nil || found.Account != "a" || found.Device != "phone" {
		t.Errorf("%+v, %v", found, err)
	}
	for _, id := range []string{"", "no hex", strings.Repeat("0", 64)} {
		if _, err := s.SessionByID(t.Context(), id); !errors.Is(err, ErrNotFound) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func TestEndDevice(t *testing.T) {
	s := openNew(t, "a")
	phone, again, desk := newSession(t, s, "a", "phone"), newSession(t, s, "a", "phone"), newSession(t, s, "a", "desk")
	s.Delivered("a", "phone", 7)
	ended, err := s.EndDevice(t.Context(), "a", "phone")
	slices.Sort(ended)
	if want := slices.Sorted(slices.Values([]string{phone.ID, again.ID})); err != nil || !slices.Equal(ended, want) {
		t.Fatalf("%q, %v", ended, err)
	}
	if !s.void(phone.Token) || s.void(desk.Token) {
		t.Error("the device's sessions end, and no others")
	}
	if n := count(t, s.readDB, "SELECT COUNT(*) FROM devices"); n != 0 {
		t.Error("its cursor is kept")
	}
	if _, err := s.EndDevice(t.Context(), "a", "phone"); !errors.Is(err, ErrNotFound) {
		t.Errorf("again: %v", err)
	}
}

func (s *Store) eraseWait(account string) (left []Posted, ended []FriendEvent, err error) {
	err = s.DeleteAccount(context.Background(), account, func(p []Posted) { left = append(left, p...) }, func(e []FriendEvent) { ended = e })
	return left, ended, err
}

func TestDeleteAccount(t *testing.T) {
	s := openNew(t, "op", "a", "b", "c")
	if _, err := s.PutFile(t.Context(), File{Name: "a_1_x", Owner: "a", Hash: "h", ContentType: "image/png", Size: 1}); err != nil {
		t.Fatal(err)
	}
	pair := send(t, s, "a", "b", "to be kept").Conversation
	mine, _, err := s.groupWait(Group{Name: "mine", Founder: "a"}, "b")
	if err != nil {
		t.Fatal(err)
	}
	alone, _, err := s.groupWait(Group{Name: "alone", Founder: "a"})
	if err != nil {
		t.Fatal(err)
	}
	friendStep(t, s, "a ask asked")
	friendStep(t, s, "b yes accepted")
	if _, err := s.block("c", "a"); err != nil {
		t.Fatal(err)
	}
	if err := s.setProfile("a", map[string]string{"avatar": "a_1_x", "address": "here"}); err != nil {
		t.Fatal(err)
	}
	session := newSession(t, s, "a", "phone")

	left, ended, err := s.eraseWait("a")
	if err != nil || len(left) == 0 || len(ended) != 1 || ended[0].Friend != "b" || ended[0].State != friendEnded {
		t.Fatalf("%d records, %+v, %v", len(left), ended, err)
	}
	if !s.void(session.Token) {
		t.Error("its session lives")
	}
	if _, err := s.CheckPassword(t.Context(), "a", "password of a"); !errors.Is(err, ErrNotFound) {
		t.Errorf("its password: %v", err)
	}
	if _, err := s.CheckPassword(t.Context(), "a", ""); !errors.Is(err, ErrNotFound) {
		t.Errorf("no password: %v", err)
	}
	if _, err := s.User(t.Context(), "a"); !errors.Is(err, ErrNotFound) {
		t.Errorf("its profile: %v", err)
	}
	if _, err := s.ReadableFile(t.Context(), "c", "a_1_x"); !errors.Is(err, ErrNotFound) {
		t.Errorf("its avatar: %v", err)
	}
	if err := s.CreateUser(t.Context(), User{Account: "a"}, "x"); !errors.Is(err, ErrExists) {
		t.Errorf("its name: %v", err)
	}
	for _, to := range []Target{{Account: "a"}, {Conversation: pair}} {
		if _, err := s.postWait(Draft{Author: "b", To: []Target{to}, Kind: "text", Text: "x"}); !errors.Is(err, ErrNotFound) {
			t.Errorf("writing to it at %+v: %v", to, err)
		}
	}
	if _, err := s.ask("b", "a", ""); !errors.Is(err, ErrNotFound) {
		t.Errorf("asking it: %v", err)
	}
	if got := history(t, s, "b", pair); !slices.Equal(got, []string{"1 to be kept"}) {
		t.Errorf("what it wrote: %q", got)
	}
	if got := members(t, s, "b", mine.ID); got != "b=creator" {
		t.Errorf("members of its group: %s", got)
	}
	for _, table := range []string{"group_members", "relationships", "account_changes", "sessions", "devices"} {
		if n := count(t, s.readDB, "SELECT COUNT(*) FROM "+table+" WHERE user_account = 'a'"); n != 0 {
			t.Errorf("%d rows of it in %s", n, table)
		}
	}
	if _, _, err := s.eraseWait("a"); !errors.Is(err, ErrNotFound) {
		t.Errorf("again: %v", err)
	}
	if _, err := s.Group(t.Context(), "b", alone.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("the group it was alone in: %v", err)
	}
	users, err := s.Users(t.Context(), "", 10)
	if err != nil || len(users) != 4 || !users[0].Deleted || users[0].Address != "" || !users[3].Operator {
		t.Errorf("%+v, %v", users, err)
	}
}

func TestFirstAccountIsTheOperators(t *testing.T) {
	s := openNew(t, "z", "a")
	for account, want := range map[string]bool{"z": true, "a": false} {
		if u, err := s.User(t.Context(), account); err != nil || u.Operator != want {
			t.Errorf("%s: %+v, %v", account, u, err)
		}
	}
}

func TestInvitations(t *testing.T) {
	s := openNew(t)
	now := time.UnixMilli(1795430000000)
	s.at(now)
	code, err := s.CreateInvitation(t.Context(), 2, now.Add(time.Hour))
	if err != nil || len(code) != 19 {
		t.Fatalf("%q, %v", code, err)
	}
	if n := count(t, s.readDB, "SELECT COUNT(*) FROM invitations WHERE code_hash = ?", []byte(code)); n != 0 {
		t.Error("the code itself is stored")
	}
	register := func(account, code string) error {
		return s.Register(t.Context(), User{Account: account}, "password", code)
	}
	for _, bad := range []string{"", "aaaa-bbbb-cccc-dddd", code[:18]} {
		if err := register("x", bad); !errors.Is(err, ErrForbidden) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if err := register("a", strings.ToUpper(strings.ReplaceAll(code, "-", " "))); err != nil {
		t.Errorf("typed otherwise: %v", err)
	}
	if err := register("a", code); !errors.Is(err, ErrExists) {
		t.Errorf("a taken name: %v", err)
	}
	s.at(now.Add(time.Hour))
	if err := register("b", code); !errors.Is(err, ErrForbidden) {
		t.Errorf("expired: %v", err)
	}
	s.at(now)
	// Two at once: the last use goes to one of them.
	errs := make([]error, 2)
	var both sync.WaitGroup
	for i := range errs {
		both.Go(func() { errs[i] = register(fmt.Sprint("u", i), code) })
	}
	both.Wait()
	if (errs[0] == nil) == (errs[1] == nil) || !errors.Is(errors.Join(errs...), ErrForbidden) {
		t.Errorf("the last use, twice: %v, %v", errs[0], errs[1])
	}
}

func TestQuota(t *testing.T) {
	s := openNew(t, "a", "b")
	s.quota = 10
	put := func(owner, name string, size int64) error {
		_, err := s.PutFile(t.Context(), File{Name: name, Owner: owner, Hash: "h", ContentType: "text/plain", Size: size})
		return err
	}
	for _, c := range []struct {
		owner, name string
		size        int64
		want        error
	}{{"a", "1", 10, nil}, {"a", "2", 1, ErrTooLarge}, {"a", "1", 10, nil}, {"b", "3", 11, ErrTooLarge}, {"b", "4", 9, nil}, {"b", "5", 0, nil}} {
		if err := put(c.owner, c.name, c.size); !errors.Is(err, c.want) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if used, allowed, err := s.Usage(t.Context(), "b"); used != 9 || allowed != 10 || err != nil {
		t.Errorf("%d of %d, %v", used, allowed, err)
	}
}

func TestFewWaitForTheirPassword(t *testing.T) {
	s := openNew(t, "a")
	s.passwords.waiting.Store(maxHashing)
	if _, err := s.CheckPassword(t.Context(), "a", "password of a"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("one too many: %v", err)
	}
	s.passwords.waiting.Store(maxHashing - 1)
	if _, err := s.CheckPassword(t.Context(), "a", "password of a"); err != nil {
		t.Errorf("the last: %v", err)
	}
	if n := s.passwords.waiting.Load(); n != maxHashing-1 {
		t.Errorf("%d wait", n)
	}
}

// Another program may have deleted an account that the writer remembers.
func TestForget(t *testing.T) {
	path := databases.Fresh(t)
	server, command := openAt(t, path), openAt(t, path)
	addUsers(t, server, "op", "a", "b")
	send(t, server, "a", "b", "hello")
	if _, _, err := command.eraseWait("b"); err != nil {
		t.Fatal(err)
	}
	if err := server.Forget(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := server.postWait(Draft{Author: "a", To: []Target{{Account: "b"}}, Kind: "text", Text: "x"}); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v", err)
	}
}
