package signaling

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"neochat/store"
	"neochat/wire"
)

const (
	cookieName = "neochat_session"
	cookieLife = 90 * 24 * 3600 // seconds
)

// deviceName is what a client may call its device.
var deviceName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// credentials is what a login brings.
type credentials struct {
	account, password, token string
	device                   string
	address                  string
}

// requestToken returns the session token an HTTP request carries, or "".
func requestToken(r *http.Request) string {
	if t, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return t
	}
	if k, err := r.Cookie(cookieName); err == nil {
		return k.Value
	}
	return ""
}

// entry is an open session.
type entry struct {
	account, id string
	token       string   // "" unless it was made now
	ended       []string // ids of sessions that made room for it
}

// authenticate returns the session that the credentials open. Whatever is wrong with
// them is one answer, so that nobody learns who exists.
func (s *Server) authenticate(ctx context.Context, in credentials) (entry, error) {
	if in.password == "" {
		found, err := s.store.Session(ctx, in.token)
		if err == nil && in.account != "" && in.account != found.Account {
			err = store.ErrNotFound
		}
		return entry{account: found.Account, id: found.ID}, wrongIfUnknown(err)
	}
	if err := s.checkPassword(ctx, in.account, in.password, in.address); err != nil {
		return entry{}, err
	}
	made, err := s.store.CreateSession(ctx, in.account, in.device)
	return entry{in.account, made.ID, made.Token, made.Ended}, err
}

// checkPassword counts wrong ones, and refuses where there were too many.
func (s *Server) checkPassword(ctx context.Context, account, password, address string) error {
	now := time.Now()
	if wait := max(s.failures.wait(account, address, now), s.guessers.wait("", address, now)); wait > 0 {
		return &tooOften{of: boundGuesses, after: wait, what: "too many failed logins; wait"}
	}
	if wait := s.logins.take(address, now); wait > 0 {
		return &tooOften{of: boundLogins, after: wait, what: "too many logins from this address; wait"}
	}
	_, err := s.store.CheckPassword(ctx, account, password)
	if errors.Is(err, store.ErrNotFound) {
		s.failures.add(account, address, now)
		s.guessers.add("", address, now)
	}
	return wrongIfUnknown(err)
}

func wrongIfUnknown(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return refusal(wire.StatNotFound, wrongLogin)
	}
	return err
}

// tooOften says that the client must wait.
type tooOften struct {
	of    bound
	after time.Duration
	what  string
}

func (e *tooOften) Error() string { return e.what }

func (e *tooOften) seconds() string { return strconv.Itoa(int(e.after/time.Second) + 1) }

const (
	wrongLogin  = "unknown account or wrong password"
	wrongDevice = "device is [A-Za-z0-9._-], at most 64 bytes"
)

func login(q *request) error {
	in := credentials{account: q.m.Get("user_account"), password: q.m.Get("user_password"),
		token: q.m.Get("session"), device: q.m.Get("device"), address: q.c.address}
	if in.token == "" {
		in.token = q.c.token
	}
	switch {
	case q.c.loggedIn.Load() && in.account != q.c.account:
		return refusal(wire.StatConflict, "another account is logged in on this connection; open another one")
	case in.device != "" && !deviceName.MatchString(in.device):
		return refusal(wire.StatBadRequest, wrongDevice)
	case len(in.password) > 1024:
		return refusal(wire.StatNotFound, wrongLogin)
	case in.password == "" && in.token == "":
		return refusal(wire.StatBadRequest, "user_password or session is missing")
	}
	ctx, cancel := q.context()
	defer cancel()
	before := q.c.srv.revoked.Load()
	e, err := q.c.srv.authenticate(ctx, in)
	if err != nil {
		return err
	}
	q.c.srv.endSessions(e.account, e.ended)
	lines := []string{"user_account", e.account, "session", e.token}
	if q.c.loggedIn.Load() {
		q.ok(append(lines, "device", q.c.device)...)
		return nil
	}
	q.c.welcome(e.account, in.device, e.id)
	q.ok(append(lines, "device", in.device)...)
	q.c.started(before)
	return nil
}

// welcome makes the connection the account's.
func (c *conn) welcome(account, device, session string) {
	c.account, c.device = account, device
	c.session.Store(&session)
	c.requests = c.srv.requests.bucket(account, time.Now())
	if device == "" {
		c.backlog.begin()
	}
	c.loggedIn.Store(true)
}

// started begins deliveries, behind the login's answer. Where sessions have ended since the counter
// stood at before, this one may have, unseen by who looked for its connections.
func (c *conn) started(before int64) {
	c.srv.hub.add(c.account, c)
	if c.srv.revoked.Load() != before && !c.stillWelcome() {
		c.revoke()
		return
	}
	c.srv.presence.moved(c.account)
	c.srv.cells.ringAgain(c)
	if c.device == "" {
		go c.catchUp()
	}
}

// stillWelcome reports whether the session is still good; an unreachable database ends nobody's. Who ends a guest's
// ends its connections too.
func (c *conn) stillWelcome() bool {
	if c.guest {
		return true
	}
	ctx, cancel := context.WithTimeout(c.ctx, requestTimeout)
	defer cancel()
	_, err := c.srv.store.SessionByID(ctx, *c.session.Load())
	return !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrSuspended)
}

func logout(q *request) error {
	if q.c.guest {
		return logoutGuest(q)
	}
	ctx, cancel := q.context()
	defer cancel()
	id := *q.c.session.Load()
	if err := q.c.srv.store.EndSession(ctx, q.c.account, id); err != nil {
		return err
	}
	q.ok()
	q.c.srv.loggedOut(q.c.account, id)
	return nil
}

// loggedOut closes the connections of a session whose owner has ended it.
func (s *Server) loggedOut(account, id string) {
	s.revoked.Add(1)
	for _, c := range s.hub.of(account) {
		if *c.session.Load() == id {
			c.close(wire.CloseNormal, "logged out")
		}
	}
	s.endLent(account, id)
}

// serveSession is how browsers log in: the cookie it sets is HttpOnly, so no script can read the token.
func (s *Server) serveSession(w http.ResponseWriter, r *http.Request) {
	if !sameOrigin(r) {
		respond(w, wire.StatForbidden, "reason", "this page does not belong to this server")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
	defer cancel()
	switch r.Method {
	case http.MethodGet:
		found, err := s.store.Session(ctx, requestToken(r))
		if err != nil {
			respond(w, wire.StatLogin, "reason", "nobody is logged in")
			return
		}
		respond(w, wire.StatOK, "user_account", found.Account)
	case http.MethodPost:
		s.openSession(ctx, w, r)
	case http.MethodDelete:
		s.deleteSession(ctx, w, r)
	default:
		w.Header().Set("Allow", "GET, POST, DELETE")
		respond(w, http.StatusMethodNotAllowed, "reason", "GET, POST or DELETE")
	}
}

func (s *Server) openSession(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 4096)
	if err := r.ParseForm(); err != nil {
		respond(w, wire.StatBadRequest, "reason", "send the form fields user_account and user_password, at most 4 KiB")
		return
	}
	in := credentials{account: r.PostForm.Get("user_account"), password: r.PostForm.Get("user_password"),
		device: r.PostForm.Get("device"), address: s.address(r)}
	if in.account == "" || in.password == "" {
		respond(w, wire.StatBadRequest, "reason", "user_account or user_password is missing")
		return
	}
	if in.device != "" && !deviceName.MatchString(in.device) {
		respond(w, wire.StatBadRequest, "reason", wrongDevice)
		return
	}
	e, err := s.authenticate(ctx, in)
	var often *tooOften
	var mistake *wire.Error
	switch {
	case errors.As(err, &often):
		s.counts.refused[often.of].Add(1)
		w.Header().Set("Retry-After", often.seconds())
		respond(w, wire.StatTooOften, "reason", often.Error(), "retry_after", often.seconds())
	case errors.As(err, &mistake):
		respond(w, mistake.Stat, "reason", mistake.Reason)
	case errors.Is(err, store.ErrSuspended):
		respond(w, wire.StatForbidden, "reason", "this account is suspended; ask the server's operator")
	case err != nil:
		s.failed(r.Context(), "opening a session", err)
		respond(w, wire.StatUnavailable, "reason", "the server cannot do this now; try again")
	default:
		s.endSessions(e.account, e.ended)
		http.SetCookie(w, sessionCookie(r, e.token, cookieLife))
		respond(w, wire.StatOK, "user_account", e.account)
	}
}

func (s *Server) deleteSession(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	if found, err := s.store.Session(ctx, requestToken(r)); err == nil {
		if err := s.store.EndSession(ctx, found.Account, found.ID); err != nil {
			respond(w, wire.StatUnavailable, "reason", "the server cannot do this now; try again")
			return
		}
		s.loggedOut(found.Account, found.ID)
	}
	http.SetCookie(w, sessionCookie(r, "", -1))
	respond(w, wire.StatOK)
}

// sessionCookie is never sent to other sites, and over TLS only over TLS. A
// client that lies about X-Forwarded-Proto harms only itself.
func sessionCookie(r *http.Request, token string, life int) *http.Cookie {
	return &http.Cookie{Name: cookieName, Value: token, Path: "/", MaxAge: life, HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https"}
}

// respond answers an HTTP request with a protocol message; stat is the HTTP status too.
func respond(w http.ResponseWriter, stat int, lines ...string) {
	b := wire.AppendInt(nil, "stat", int64(stat))
	for i := 0; i+1 < len(lines); i += 2 {
		b = wire.Append(b, lines[i], lines[i+1])
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(stat)
	w.Write(wire.End(b))
}
