package store

import (
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestUsers(t *testing.T) {
	s := openNew(t, "c", "A", "a", "B")
	ctx := t.Context()
	if err := s.CreateUser(ctx, User{Account: "a"}, "other"); !errors.Is(err, ErrExists) {
		t.Errorf("second registration: %v", err)
	}
	full := User{Account: "+86", Name: "名", Phone: "1", Sex: "x", Birthday: "2000-01-01", Address: "here",
		RegistrationTime: time.UnixMilli(1795430000123).UTC(), MessagesFrom: "everyone", PresenceTo: "everyone"}
	if err := s.CreateUser(ctx, full, "pw"); err != nil {
		t.Fatal(err)
	}
	if got, err := s.User(ctx, "+86"); err != nil || got != full {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := s.User(ctx, "C"); !errors.Is(err, ErrNotFound) {
		t.Errorf("accounts are case-sensitive: %v", err)
	}
	var seen []string
	for after := ""; ; {
		page, err := s.Users(ctx, after, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, u := range page {
			seen = append(seen, u.Account)
		}
		after = seen[len(seen)-1]
	}
	if got := strings.Join(seen, " "); got != "+86 A B a c" {
		t.Errorf("byte order, page by page: %s", got)
	}
}

func TestCheckPassword(t *testing.T) {
	s := openNew(t, "a", "suspended")
	ctx := t.Context()
	if err := s.SetSuspended(ctx, "suspended", true); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		account, password string
		want              error
	}{
		{"a", "password of a", nil},
		{"a", "password of b", ErrNotFound},
		{"a", "", ErrNotFound},
		{"nobody", "password of nobody", ErrNotFound},
		{"suspended", "wrong", ErrNotFound},
		{"suspended", "password of suspended", ErrSuspended},
	} {
		u, err := s.CheckPassword(ctx, c.account, c.password)
		if !errors.Is(err, c.want) || (c.want == nil) != (u.Account == c.account) {
			t.Errorf("%s/%s: %+v, %v", c.account, c.password, u, err)
		}
	}
	if err := s.SetPassword(ctx, "nobody", "x"); !errors.Is(err, ErrNotFound) {
		t.Errorf("SetPassword of nobody: %v", err)
	}
	if err := s.SetSuspended(ctx, "nobody", true); !errors.Is(err, ErrNotFound) {
		t.Errorf("SetSuspended of nobody: %v", err)
	}
	if err := s.SetSuspended(ctx, "suspended", false); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CheckPassword(ctx, "suspended", "password of suspended"); err != nil {
		t.Errorf("after the suspension: %v", err)
	}
}

func TestHashingWaitsForASlotAsLongAsTheContextLasts(t *testing.T) {
	s := openNew(t, "a")
	s.passwords.slots.Acquire(t.Context(), 1)
	for s.passwords.slots.TryAcquire(1) {
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.CheckPassword(ctx, "a", "password of a"); !errors.Is(err, context.Canceled) {
		t.Errorf("CheckPassword: %v", err)
	}
	if err := s.CreateUser(ctx, User{Account: "b"}, "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("CreateUser: %v", err)
	}
}

func TestPasswordHash(t *testing.T) {
	h, err := newHasher(PasswordCost{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	hash, err := h.hash(t.Context(), "secret")
	if err != nil || !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatalf("%s, %v", hash, err)
	}
	other, err := newHasher(cheap, 1)
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := other.check(t.Context(), hash, "secret"); !ok || err != nil {
		t.Errorf("a hash of another cost: %v, %v", ok, err)
	}
	for _, damaged := range []string{"x", "$argon2id$v=19$m=1$a$b", strings.Replace(hash, "argon2id", "md5", 1), hash[:strings.LastIndex(hash, "$")+1]} {
		if _, err := h.check(t.Context(), damaged, "secret"); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%q: %v", damaged, err)
		}
	}
	if _, err := newHasher(PasswordCost{Memory: 8, Parallelism: 2}, 1); err == nil {
		t.Error("too little memory was accepted")
	}
}

func TestSessions(t *testing.T) {
	s := openNew(t, "a", "b")
	ctx := t.Context()
	login := func(account string) string {
		l, err := s.CreateSession(ctx, account, "phone")
		if err != nil || len(l.Token) != 43 || len(l.Ended) != 0 {
			t.Fatalf("%+v, %v", l, err)
		}
		return l.Token
	}
	void := func(token string) bool {
		_, err := s.Session(ctx, token)
		return errors.Is(err, ErrNotFound)
	}
	first, second, other := login("a"), login("a"), login("b")
	session, err := s.Session(ctx, first)
	if err != nil || session.Account != "a" || session.Device != "phone" || len(session.ID) != 64 {
		t.Fatalf("%+v, %v", session, err)
	}
	hash, err := hex.DecodeString(session.ID)
	if err != nil || count(t, s.readDB, "SELECT COUNT(*) FROM sessions WHERE token_hash = ?", hash) != 1 {
		t.Error("the public id is not the stored hash")
	}
	if err := s.EndSession(ctx, "b", session.ID); !errors.Is(err, ErrNotFound) || void(first) {
		t.Errorf("another's session: %v", err)
	}
	if err := s.EndSession(ctx, "a", session.ID); err != nil || !void(first) || void(second) {
		t.Errorf("logout ends one session: %v", err)
	}
	if err := s.EndSession(ctx, "a", session.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("second logout: %v", err)
	}
	if err := s.SetPassword(ctx, "a", "new"); err != nil || !void(second) || void(other) {
		t.Errorf("a new password ends the account's sessions only: %v", err)
	}
	if err := s.SetSuspended(ctx, "b", true); err != nil || !void(other) {
		t.Errorf("suspension ends sessions: %v", err)
	}
	if _, err := s.CreateSession(ctx, "b", ""); !errors.Is(err, ErrSuspended) {
		t.Errorf("login while suspended: %v", err)
	}
	if _, err := s.CreateSession(ctx, "nobody", ""); !errors.Is(err, ErrNotFound) {
		t.Errorf("login of nobody: %v", err)
	}
}

func TestSessionOfASuspendedAccount(t *testing.T) {
	s := openNew(t, "a")
	l, err := s.CreateSession(t.Context(), "a", "")
	if err != nil {
		t.Fatal(err)
	}
	// As another program at the same database might leave it.
	if _, err := s.writer.conn.ExecContext(t.Context(), "UPDATE users SET suspended = 1"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Session(t.Context(), l.Token); !errors.Is(err, ErrSuspended) {
		t.Errorf("session: %v", err)
	}
}
