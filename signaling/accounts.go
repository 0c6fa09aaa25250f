package signaling

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"neochat/store"
	"neochat/wire"
)

const maxPassword = 1024 // bytes

func register(q *request) error {
	u := store.User{Account: q.m.Get("user_account"), Name: q.m.Get("user_name"), Phone: q.m.Get("user_phone"),
		Sex: q.m.Get("sex"), Birthday: q.m.Get("birthday"), Address: q.m.Get("address")}
	password, code := q.m.Get("user_password"), q.m.Get("invite")
	mode := q.c.srv.cfg.Registration
	switch {
	case mode != "open" && mode != "invite":
		return refusal(wire.StatForbidden, "registration is closed here; ask the server's operator for an account")
	case !wire.ValidAccount(u.Account):
		return refusal(wire.StatBadRequest, "user_account is 1 to 100 of A-Z a-z 0-9 + . _ @ -")
	case mode == "invite" && code == "":
		return refusal(wire.StatForbidden, "who registers here needs an invitation: send the code as invite; the server's operator makes them")
	}
	if err := q.passwordMistake("user_password", password); err != nil {
		return err
	}
	for _, v := range []string{u.Name, u.Phone, u.Sex, u.Birthday, u.Address} {
		if len(v) > maxProfileValue {
			return refusal(wire.StatTooLarge, "a profile field has at most 200 bytes")
		}
	}
	if err := q.mayRegister(); err != nil {
		return err
	}
	err := q.makeAccount(u, password, code)
	switch {
	case errors.Is(err, store.ErrExists):
		return refusal(wire.StatConflict, "this account exists already")
	case errors.Is(err, store.ErrForbidden):
		return refusal(wire.StatForbidden, "this invitation is unknown, used up or expired; ask for another")
	case err == nil:
		q.ok()
	}
	return err
}

func (q *request) makeAccount(u store.User, password, code string) error {
	ctx, cancel := q.context()
	defer cancel()
	if q.c.srv.cfg.Registration == "invite" {
		return q.c.srv.store.Register(ctx, u, password, code)
	}
	return q.c.srv.store.CreateUser(ctx, u, password)
}

// passwordMistake says what is wrong with a password that somebody wants to have.
func (q *request) passwordMistake(name, password string) error {
	if least := q.c.srv.cfg.MinPassword; len(password) < least || len(password) > maxPassword {
		return refusal(wire.StatBadRequest, name+" has "+strconv.Itoa(least)+" to 1024 bytes")
	}
	return nil
}

// present checks the password that the message brings, as a login does.
func (q *request) present(ctx context.Context) error {
	password := q.m.Get("user_password")
	switch {
	case password == "":
		return refusal(wire.StatBadRequest, "user_password is missing: the present one")
	case len(password) > maxPassword:
		return refusal(wire.StatNotFound, wrongLogin)
	}
	return q.c.srv.checkPassword(ctx, q.c.account, password, q.c.address)
}

// changePassword ends every session but the one it makes for this connection.
func changePassword(q *request) error {
	next := q.m.Get("new_password")
	if err := q.passwordMistake("new_password", next); err != nil {
		return err
	}
	ctx, cancel := q.context()
	defer cancel()
	if err := q.present(ctx); err != nil {
		return err
	}
	made, err := q.c.srv.store.ChangePassword(ctx, q.c.account, next, q.c.device)
	if err != nil {
		return err
	}
	q.c.session.Store(&made.ID)
	q.ok("session", made.Token)
	q.c.srv.revoke(q.c.account, func(c *conn) bool { return c != q.c })
	q.c.srv.endLent(q.c.account)
	return nil
}

func listDevices(q *request) error {
	ctx, cancel := q.context()
	defer cancel()
	sessions, err := q.c.srv.store.Sessions(ctx, q.c.account)
	if err != nil {
		return err
	}
	online := map[string]bool{}
	for _, c := range q.c.srv.hub.of(q.c.account) {
		online[*c.session.Load()] = true
	}
	var items []byte
	for _, s := range sessions {
		if s.Device != "" {
			items = wire.Append(items, "device", s.Device)
		}
		items = wire.Append(items, "session", s.ID)
		items = wire.AppendInt(items, "create_time", s.Created)
		items = wire.AppendInt(items, "last_seen", s.LastSeen)
		if online[s.ID] {
			items = wire.Append(items, "online", "yes")
		}
		if s.ID == *q.c.session.Load() {
			items = wire.Append(items, "current", "yes")
		}
		items = wire.End(items)
	}
	q.list(len(sessions), items, false)
	return nil
}

// endDevice ends one session, or all of a device.
func endDevice(q *request) error {
	id, bySession := q.m.Lookup("session")
	device, byDevice := q.m.Lookup("device")
	if bySession == byDevice {
		return refusal(wire.StatBadRequest, "say which: one of session and device, as they are listed")
	}
	ctx, cancel := q.context()
	defer cancel()
	ended := []string{id}
	var err error
	if bySession {
		err = q.c.srv.store.EndSession(ctx, q.c.account, id)
	} else {
		ended, err = q.c.srv.store.EndDevice(ctx, q.c.account, device)
	}
	if err != nil {
		return err
	}
	q.ok()
	q.c.srv.endSessions(q.c.account, ended)
	return nil
}

func describeAccount(q *request) error {
	ctx, cancel := q.context()
	defer cancel()
	u, err := q.c.srv.store.User(ctx, q.c.account)
	if err != nil {
		return err
	}
	used, allowed, err := q.c.srv.store.Usage(ctx, q.c.account)
	if err != nil {
		return err
	}
	lines := []string{"user_account", u.Account, "operator", "", "bytes_used", strconv.FormatInt(used, 10)}
	if u.Operator {
		lines[3] = "yes"
	}
	if allowed > 0 {
		lines = append(lines, "bytes_allowed", strconv.FormatInt(allowed, 10))
	}
	q.ok(lines...)
	return nil
}

func deleteAccount(q *request) error {
	ctx, cancel := q.context()
	defer cancel()
	if err := q.present(ctx); err != nil {
		return err
	}
	s := q.c.srv
	left := func(posted []store.Posted) {
		s.deliver(posted, nil)
		for i := range posted {
			s.cells.regrouped(&posted[i])
		}
	}
	ended := func(events []store.FriendEvent) {
		for i := range events {
			s.hub.push(events[i].Friend, item{data: friendPush(&events[i], events[i].Change)}, nil)
		}
	}
	if err := s.store.DeleteAccount(ctx, q.c.account, left, ended); err != nil {
		return err
	}
	q.ok()
	s.revoke(q.c.account, func(*conn) bool { return true })
	s.endLent(q.c.account)
	return nil
}

// errRevoked ends a connection whose session has ended.
func errRevoked() *wire.CloseError {
	return &wire.CloseError{Code: wire.ClosePolicy, Reason: "this session has ended; log in again"}
}

// revoke ends the connection at once: its session is no more.
func (c *conn) revoke() {
	c.revoked.Store(true)
	c.srv.hub.remove(c.account, c)
	end := errRevoked()
	c.close(end.Code, end.Reason)
}

// revoke ends those of an account's connections whose sessions have ended.
func (s *Server) revoke(account string, of func(*conn) bool) {
	s.revoked.Add(1)
	for _, c := range s.hub.of(account) {
		if of(c) {
			c.revoke()
		}
	}
}

// endSessions ends the connections of sessions that are no more.
func (s *Server) endSessions(account string, ids []string) {
	if len(ids) > 0 {
		s.revoke(account, func(c *conn) bool { return slices.Contains(ids, *c.session.Load()) })
		s.endLent(account, ids...)
	}
}

// LookAgain makes the server look at an account that another program has changed: connections whose
// session is void end, and what was remembered is read again.
func (s *Server) LookAgain(ctx context.Context, account string) error {
	if err := s.store.Forget(ctx); err != nil {
		return err
	}
	s.revoke(account, func(c *conn) bool { return !c.stillWelcome() })
	s.endLent(account)
	s.presence.moved(account)
	return nil
}
